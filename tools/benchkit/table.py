"""The table that a person reads in a terminal, and number formats that all the tables share."""


def number(value):
    """At most four significant digits, thousands apart."""
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) < 1 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share):
    return f"{share * 100:.0f} %"


def cells(row):
    beside = f"{row['ratio']:.3g} x {row['versus']} ({number(row['versus_value'])})" if row.get("ratio") is not None else ""
    return (row["name"], number(row["value"]), row["unit"], beside, percent(row["spread"]), str(row["runs"]))


def render(rows):
    head = ("figure", "value", "unit", "beside", "spread", "runs")
    lines = [head] + [cells(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    right = (False, True, False, False, True, True)
    return "\n".join("  ".join(text.rjust(width) if to_right else text.ljust(width)
                               for text, width, to_right in zip(line, widths, right)).rstrip() for line in lines)
