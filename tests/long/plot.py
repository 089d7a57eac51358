#!/usr/bin/env python3
"""Draws what `tests/long/load` wrote: docs/load-cost.svg, docs/load-rate.svg and docs/load-memory.svg.

Usage: tests/long/plot.py [FILE [FOLDER]]
"""

import json
import math
import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 170, 56, 52
COLOURS = ("#2563a8", "#c2571a", "#3b7d3f")
NAMES = {
    "sources": "streams",
    "subscriptions": "subscriptions of one stream",
    "dormant": "subscriptions of 100 feeds",
}
CHARTS = (
    # file, title, unit, value of a run, series, whether y is logarithmic
    ("load-cost", "CPU time per million events", "s", lambda run: run["cpu_per_million"], ("sources", "subscriptions"), False),
    ("load-rate", "Events per second", "", lambda run: run["rate"], ("sources", "subscriptions"), False),
    ("load-memory", "Memory that subscriptions take, before the first event", "B", lambda run: (run["rss_idle"] - run["rss_start"]) * 1024,
     ("sources", "subscriptions", "dormant"), True),
)


class Axis:
    """From values to a coordinate, and where its grid lines are."""

    def __init__(self, values, start, end, logarithmic):
        self.start, self.end, self.logarithmic = start, end, logarithmic
        if logarithmic:
            self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            self.high = max(self.high, self.low + 1)
            self.ticks = [10**power for power in range(self.low, self.high + 1)]
        else:
            step = next(step for step in steps() if max(values) / step <= 5)
            self.low, self.high = 0, step * math.ceil(max(values) / step)
            self.ticks = [step * tick for tick in range(round(self.high / step) + 1)]

    def at(self, value):
        value = math.log10(value) if self.logarithmic else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def steps():
    """1, 2, 5, 10 and so on, from very little."""
    for power in range(-9, 13):
        for digit in (1, 2, 5):
            yield digit * 10.0**power


def short(value, unit):
    """`100 k`, `0.5 s`, `2 GB`: never more digits than a grid line has."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {prefix}{unit}"
    return f"{value:g} {unit}".strip()


def text(x, y, words, anchor="middle", **attributes):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def chart(title, unit, series, logarithmic):
    """SVG of {name: [(x, y)]}."""
    points = [point for line in series.values() for point in line]
    across = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, True)
    up = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, logarithmic)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
        text(LEFT, 28, title, "start", font_size=16, fill="#222222"),
    ]
    for tick in up.ticks:
        y = up.at(tick)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e2e2e2"/>')
        out.append(text(LEFT - 8, y + 4, short(tick, unit), "end", fill="#666666"))
    for tick in across.ticks:
        out.append(text(across.at(tick), HEIGHT - BOTTOM + 20, short(tick, ""), fill="#666666"))
    out.append(f'<path d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}" stroke="#888888"/>')
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "streams, or subscriptions", fill="#666666"))
    for (_, line), colour in zip(series.items(), COLOURS):
        places = [(across.at(x), up.at(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.extend(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)
    out.extend(labels(series, across, up))
    return "\n".join([*out, "</svg>", ""])


def labels(series, across, up):
    """A line's name at its end, below the one above where they would touch."""
    ends = [(up.at(line[-1][1]), across.at(line[-1][0]), name) for name, line in series.items()]
    colours = dict(zip(series, COLOURS))
    taken = []
    for y, x, name in sorted(ends):
        y = max([y, *(other + 30 for other, at in taken if abs(at - x) < 90)])
        taken.append((y, x))
        # Two lines of words at most: the margin is narrow.
        first, _, second = name.partition(" of ")
        yield text(x + 10, y + 4, first, "start", fill=colours[name])
        if second:
            yield text(x + 10, y + 18, f"of {second}", "start", fill=colours[name])


def main():
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "target/load.jsonl")
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parents[2] / "docs")
    runs = [json.loads(line) for line in file.read_text().splitlines()]
    for name, title, unit, value, wanted, logarithmic in CHARTS:
        series = {}
        for run in runs:
            if run["series"] in wanted and value(run):
                series.setdefault(NAMES[run["series"]], []).append((run["number"], value(run)))
        if series:
            path = folder / f"{name}.svg"
            path.write_text(chart(title, unit, series, logarithmic))
            print(path)


if __name__ == "__main__":
    main()
