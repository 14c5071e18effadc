#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tables and a chart of what bench measured.

usage: report.py JSON CASES SVG NAME...

The tables are simple ones of reStructuredText, so that they can go into
Documentation/performance.rst as they are. CASES is tests/bench/cases, NAME
says which of them must be there.
"""

import json
import math
import sys

TREE, OURS = "vfio_iommu_type1", "vfio_iommu_type1x"
COUNTERS = ["iommu_map", "iommu_unmap", "iova_to_phys", "iotlb_flush",
            "mmap_write_lock"]


def number(value):
    """As many digits as mean anything."""
    if value >= 100:
        return f"{value:.0f}"
    if value < 0.1:
        return f"{value:.1g}"
    return f"{value:.{1 if value >= 10 else 2}f}"


def wanted(path, names):
    """(case, operation, target or None), in the order of the file."""
    for line in open(path):
        if line.startswith("#"):
            continue
        case, op, target = line.split()
        if case in names:
            yield case, op, None if target == "-" else float(target)


class Row:
    """An operation: both drivers' figures side by side."""

    def __init__(self, case, op, target, figures):
        self.name = f"{case} {op}"
        self.target = target
        self.sides = [figures[case, op, driver] for driver in (TREE, OURS)]
        self.per = self.sides[0]["per"]
        self.tree, self.ours = (min(side["ns"]) for side in self.sides)
        self.ratio = self.ours / self.tree
        self.is_over = target is not None and self.ours > target

    def cost(self):
        target = "" if self.target is None else f"{self.target:g}"
        return [self.name, self.per, number(self.tree), number(self.ours),
                number(self.ratio), target + (", over" if self.is_over else "")]

    def counts(self):
        return [self.name] + [
            " / ".join(str(side[counter]) for side in self.sides)
            for counter in COUNTERS]


def table(head, rows):
    """The first column is text, the others are numbers."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    line = "  ".join("=" * width for width in widths)

    def text(cells):
        return "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()

    return "\n".join([line, text(head), line, *map(text, rows), line])


# --- the chart -----------------------------------------------------------------

LEFT, RIGHT, TOP, STEP, WIDTH = 150, 190, 84, 26, 900
DECADES = -4, 1


def x_of(ratio):
    low, high = DECADES
    part = (math.log10(ratio) - low) / (high - low)
    return LEFT + min(max(part, 0), 1) * (WIDTH - LEFT - RIGHT)


def text_at(x, y, text, extra=""):
    return f'<text x="{x:.1f}" y="{y}" {extra}>{text}</text>'


def chart(rows, head):
    bottom = TOP + STEP * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
        f' height="{bottom + 40}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        text_at(20, 28, "Instructions: type1x as a part of the in-tree driver,"
                f' Debian {head["kernel"]}', 'font-size="17"'),
        text_at(20, 48, "VT-d emulated by QEMU, one CPU that counts; left of"
                " 1 is cheaper; a black mark is the target", 'fill="#555"'),
    ]
    for decade in range(DECADES[0], DECADES[1] + 1):
        x = x_of(10.0 ** decade)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}"'
                     f' y2="{bottom}" stroke="{"#333" if not decade else "#ddd"}"/>')
        parts.append(text_at(x, TOP - 12, f"{10.0 ** decade:g}",
                             'text-anchor="middle" fill="#555"'))
    for i, row in enumerate(rows):
        y = TOP + STEP * i
        ends = sorted((x_of(row.ratio), x_of(1)))
        colour = "#3a7d44" if row.ratio <= 1 else "#b3402e"
        parts.append(text_at(LEFT - 10, y + 16, row.name, 'text-anchor="end"'))
        parts.append(f'<rect x="{ends[0]:.1f}" y="{y + 4}" height="16"'
                     f' width="{max(ends[1] - ends[0], 1):.1f}" fill="{colour}"/>')
        if row.target is not None:
            x = x_of(row.target / row.tree)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 1}"'
                         f' y2="{y + 23}" stroke="black" stroke-width="3"/>')
        parts.append(text_at(WIDTH - RIGHT + 12, y + 16,
                             f"{number(row.tree)} → {number(row.ours)}"
                             f" per {row.per}"))
    return "\n".join(parts + ["</svg>", ""])


def main(source, cases, svg, *names):
    head, *lines = map(json.loads, open(source))
    figures = {(line["case"], line["op"], line["driver"]): line
               for line in lines}
    rows, missing = [], []
    for case, op, target in wanted(cases, names):
        try:
            rows.append(Row(case, op, target, figures))
        except KeyError:
            missing.append(f"{case} {op}")
    if rows:
        print(f'\nInstructions, {head["kernel"]}, {head["date"]}:\n')
        print(table(["operation", "per", "in-tree", "ours", "ratio", "target"],
                    [row.cost() for row in rows]))
        print("\nHow often the kernel did what, in-tree / ours, each for all"
              " units of one run:\n")
        print(table(["operation"] + COUNTERS, [row.counts() for row in rows]))
        with open(svg, "w", encoding="utf-8") as file:
            file.write(chart(rows, head))
        print(f"\n{source}, {svg}")
    for name in missing:
        print(f"not measured: {name}", file=sys.stderr)
    return bool(missing)


sys.exit(main(*sys.argv[1:]))
