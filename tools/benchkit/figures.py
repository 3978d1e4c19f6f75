"""A figure: samples of one thing in one unit, and of what stands beside it. Knows the maths and the row of JSON."""

import dataclasses
import json
import statistics

META = "meta"  # the name of the leading row, which tells of the machine and the run


@dataclasses.dataclass
class Figure:
    name: str
    unit: str
    samples: list
    versus: str = ""
    versus_samples: list = dataclasses.field(default_factory=list)
    extra: dict = dataclasses.field(default_factory=dict)  # more keys of its row

    def row(self):
        row = {"name": self.name, "value": tidy(median(self.samples)), "unit": self.unit}
        if self.versus_samples:
            row |= {"versus": self.versus, "versus_value": tidy(median(self.versus_samples)),
                    "ratio": ratio(self.samples, self.versus_samples)}
        row |= {"runs": len(self.samples), "spread": spread(self.samples)}
        if self.versus_samples:
            row["versus_spread"] = spread(self.versus_samples)
        return row | self.extra


def median(samples):
    return statistics.median(samples)


def spread(samples):
    """(max - min) / median; 0 where the median is 0."""
    middle = median(samples)
    return round((max(samples) - min(samples)) / abs(middle), 3) if middle else 0.0


def ratio(samples, versus_samples):
    """None where there is nothing to divide by."""
    below = median(versus_samples)
    return tidy(median(samples) / below) if below else None


def tidy(number):
    """Four significant digits: what a run on a shared machine can give at most."""
    if number == 0:
        return 0
    rounded = float(f"{number:.4g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) >= 1000 else rounded


def field(number):
    """A counter in a row: seeds and counts as they are, what was measured as tidy() says it."""
    return int(number) if number == int(number) else tidy(number)


def less_is_better(unit):
    """Times, cycles and bytes shall be small; what is counted by time, or named a rate, large."""
    return not (unit.endswith("/s") or unit.startswith("Gbit/s") or unit.startswith("per second"))


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def read_rows(path):
    """(meta, rows) of a file of rows."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    meta = next((row for row in rows if row["name"] == META), {"name": META})
    return meta, [row for row in rows if row["name"] != META]


def wanted(name, filters):
    return not filters or any(part in name for part in filters)
