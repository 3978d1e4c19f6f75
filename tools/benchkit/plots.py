"""Plots as inline SVG. Colours are classes that the page defines, so that they follow light and dark."""

import math
from html import escape

from benchkit.table import number

_WIDTH = 860
_LABEL = 250
_ROW = 24


def text(x, y, words, css="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(words)}</text>'


def rect(x, y, width, height, css, title=""):
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height}" rx="2" class="{css}">{inner}</rect>'


def line(x1, y1, x2, y2, css):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def svg(height, parts, label):
    return (f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>')


def bars(entries, unit, label):
    """Horizontal bars from zero. `entries`: (name, value, spread, whether it is ours)."""
    room = _WIDTH - _LABEL - 110
    top = max(value * (1 + spread / 2) for _, value, spread, _ in entries) or 1
    parts = []
    for place, (name, value, spread, ours) in enumerate(entries):
        y = place * _ROW
        end = _LABEL + room * value / top
        parts.append(text(_LABEL - 10, y + 16, name, "ours-text" if ours else "", "end"))
        parts.append(rect(_LABEL, y + 4, room * value / top, 15, "ours" if ours else "theirs", f"{name}: {number(value)} {unit}"))
        reach = room * value * spread / 2 / top
        parts.append(line(end - reach, y + 11.5, end + reach, y + 11.5, "whisker"))
        parts.append(text(end + reach + 8, y + 16, f"{number(value)} {unit if place == 0 else ''}".strip(), "value"))
    return svg(len(entries) * _ROW + 4, parts, label)


def stacked(entries, unit, label):
    """`entries`: (name, [(part, value)]); each part has the same colour in all of them."""
    room = _WIDTH - _LABEL - 150
    top = max(sum(value for _, value in split) for _, split in entries) or 1
    order = list(dict.fromkeys(part for _, split in entries for part, _ in split))
    parts = []
    x = _LABEL
    for place, part in enumerate(order):
        parts += [rect(x, 4, 11, 11, f"part{place % 6}"), text(x + 16, 14, part)]
        x += 30 + 7.5 * len(part)
    for row, (name, split) in enumerate(entries):
        y = 26 + row * _ROW
        x = _LABEL
        parts.append(text(_LABEL - 10, y + 16, name, "", "end"))
        for part, value in split:
            width = room * value / top
            parts.append(rect(x, y + 4, width, 15, f"part{order.index(part) % 6}", f"{part}: {number(value)} {unit}"))
            x += width
        parts.append(text(x + 8, y + 16, f"{number(sum(value for _, value in split))} {unit if row == 0 else ''}".strip(), "value"))
    return svg(30 + len(entries) * _ROW, parts, label)


def ratios(entries, label):
    """A dot a figure on a logarithmic axis around 1. `entries`: (name, beside, ratio, whether that is good)."""
    label_width, room = 330, _WIDTH - 330 - 70
    logs = [math.log2(ratio) for _, _, ratio, _ in entries]
    low, high = min(-1, math.floor(min(logs) - 0.6)), max(1, math.ceil(max(logs)))  # room for the number on the left

    def at(ratio):
        return label_width + room * (math.log2(ratio) - low) / (high - low)

    height = len(entries) * _ROW + 30
    parts = []
    step = max(1, (high - low) // 8)
    ticks = sorted({0, *range(0, high + 1, step), *range(0, low - 1, -step)})
    for tick in ticks:
        x = at(2.0 ** tick)
        parts.append(line(x, 20, x, height, "one" if tick == 0 else "grid"))
        parts.append(text(x, 13, f"{2 ** tick}×" if tick >= 0 else f"1/{2 ** -tick}×", "tick", "middle"))
    for place, (name, beside, ratio, good) in enumerate(entries):
        y = 24 + place * _ROW
        css = "good" if good else "bad"
        parts.append(text(label_width - 14, y + 16, name, "", "end"))
        parts.append(line(at(1), y + 11.5, at(ratio), y + 11.5, "stem " + css))
        parts.append(f'<circle cx="{at(ratio):.1f}" cy="{y + 11.5}" r="5" class="{css}">'
                     f"<title>{escape(f'{name}: {ratio:.3g} × {beside}')}</title></circle>")
        side = 11 if ratio >= 1 else -11
        parts.append(text(at(ratio) + side, y + 16, f"{ratio:.3g}", "value", "start" if side > 0 else "end"))
    return svg(height, parts, label)
