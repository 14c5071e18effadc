#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tables and charts of what bench measured.

usage: report.py run CASES JSON SVG NAME...
       report.py documents CASES JSON... README RST
       report.py times NAME CASES JSON RST
       report.py growth CASES JSON [RST]
       report.py redraw RST SVG
       report.py summary RST README

"run" prints tables and draws a chart of one kernel's figures. NAME says which
of CASES (tests/bench/cases, cases-native or cases-smp) must be there.

"documents" puts all stock kernels' figures into README and RST: between a line
with "bench NAME" and one with "end", both of them comments. "times" does so with
those of `make bench-native` or `make bench-smp`, at NAME. "growth" prints how costs
grow with the number of mappings, and puts it into RST. "redraw" draws the chart
of the last of the stock kernels from the figures that "documents" put into RST, and
"summary" does so with the bars in README.
"""

import json
import math
import re
import sys

from tables import place, put, table

TREE, OURS, IOMMUFD = "vfio_iommu_type1", "vfio_iommu_type1x", "iommufd"
COUNTERS = ["iommu_map", "iommu_unmap", "iova_to_phys", "iotlb_flush",
            "mmap_write_lock"]

# Bars in README.md, and how long one is that stands for as much as in-tree.
README = {
    "anon map": "small pages, map",
    "anon unmap": "unmap",
    "shm map": "scattered pages, map",
    "shm unmap": "unmap",
    "thp map": "huge pages, map",
    "thp unmap": "unmap",
    "pair both": "one page, both ioctls",
    "attach attach": "second IOMMU, huge pages",
}
LENGTH = 32
PER = {"page": "4 KiB"}
EIGHTHS = " ▏▎▍▌▋▊▉"


def number(value):
    """As many digits as mean anything."""
    if value >= 100:
        return f"{value:.0f}"
    if value < 0.1:
        return f"{value:.1g}"
    return f"{value:.{1 if value >= 10 else 2}f}"


def number_or_none(value):
    return "" if value is None else number(value)


def wanted(path):
    """(case, operation, target or None, the same alone or None), in order."""
    for line in open(path):
        if not line.startswith("#"):
            case, op, target, *alone = line.split()
            yield (case, op, None if target == "-" else float(target),
                   *(alone or [None]))


class Row:
    """An operation: the drivers' figures side by side."""

    def __init__(self, case, op, target, figures):
        self.name = f"{case} {op}"
        self.target = target
        self.sides = [figures[case, op, driver] for driver in (TREE, OURS)]
        self.per = self.sides[0]["per"]
        self.tree, self.ours = (min(side["ns"]) for side in self.sides)
        self.ratio = self.ours / self.tree
        iommufd = figures.get((case, op, IOMMUFD))
        self.iommufd = min(iommufd["ns"]) if iommufd else None
        self.noise = max(max(side["ns"]) / min(side["ns"]) - 1
                         for side in self.sides + [iommufd] if side)
        self.is_over = target is not None and self.ours > target

    def cost(self):
        target = "" if self.target is None else f"{self.target:g}"
        return [self.name, self.per, number(self.tree), number(self.ours),
                number(self.ratio), target + (", over" if self.is_over else "")]

    def time(self):
        others = self.tree, self.iommufd
        return [self.name, self.per, *map(number_or_none, others),
                number(self.ours),
                *(number_or_none(other and self.ours / other)
                  for other in others), f"{self.noise:.0%}"]

    def counts(self):
        return [self.name] + [
            " / ".join(str(side[counter]) for side in self.sides)
            for counter in COUNTERS]


def speed_up(case, one, two, target):
    """How many times as quick two are as one, for each driver."""
    pairs = (one.tree, two.tree), (one.iommufd, two.iommufd), (one.ours, two.ours)
    tree, iommufd, ours = (a / b if a and b else None for a, b in pairs)
    is_under = target is not None and ours < target
    return [case, *map(number_or_none, (tree, iommufd, ours)),
            f"{number_or_none(target)}{', under' if is_under else ''}"]


class Weight:
    """What the kernel needs to keep something: it repeats to a byte or two."""

    def __init__(self, case, op, target, figures):
        tree, ours = (min(figures[case, op, driver]["bytes"])
                      for driver in (TREE, OURS))
        more = round(ours - tree)
        is_over = target is not None and more > target
        target = "" if target is None else f"{target:g}"
        self.cells = [op, f"{tree:.0f}", f"{ours:.0f}", str(more),
                      target + (", over" if is_over else "")]


class Report:
    """Figures of one kernel, those of cases."""

    def __init__(self, path, cases):
        self.head, *lines = map(json.loads, open(path))
        self.is_time = self.head.get("unit") == "nanoseconds"
        self.rows, self.weights, self.missing = [], [], []
        self.speed_ups = []
        figures = {(line["case"], line["op"], line["driver"]): line
                   for line in lines}
        for case, op, target, alone in cases:
            figure = figures.get((case, op, OURS))
            if figure is None:
                self.missing.append(f"{case} {op}")
            elif "bytes" in figure:
                self.weights.append(Weight(case, op, target, figures))
            elif alone is None:
                self.rows.append(Row(case, op, target, figures))
            else:
                self.rows.append(Row(case, op, None, figures))
                self.speed_ups.append(speed_up(
                    case, Row(case, alone, None, figures), self.rows[-1],
                    target))

    def complain(self):
        for name in self.missing:
            print(f'{self.head["kernel"]}: not measured: {name}',
                  file=sys.stderr)
        return bool(self.missing)

    def costs(self):
        return table(["operation", "per", "in-tree", "ours", "ratio", "target"],
                     [row.cost() for row in self.rows])

    def times(self):
        return table(["operation", "per", "in-tree", "iommufd", "ours",
                      "to in-tree", "to iommufd", "noise"],
                     [row.time() for row in self.rows])

    def gains(self):
        return table(["two to one", "in-tree", "iommufd", "ours", "target"],
                     self.speed_ups)

    def tables(self):
        """Of times; the second, if any, is how many times as quick two are."""
        return [self.times()] + ([self.gains()] if self.speed_ups else [])

    def memory(self):
        return table(["bytes per", "in-tree", "ours", "more", "target"],
                     [weight.cells for weight in self.weights])

    def counts(self):
        return table(["operation"] + COUNTERS,
                     [row.counts() for row in self.rows])


# --- the chart -----------------------------------------------------------------

WIDTH, LEFT, TOP, STEP = 960, 160, 104, 26
# Where the ratios end and numbers begin, and the right edges of these.
RIGHT, COLUMNS = 680, (750, 820, 890)
# Decimal logarithms.
LOWEST, HIGHEST = -4, 0.2
GOOD, OVER, DEARER, THIRD = "#3a7d44", "#d08a1d", "#b3402e", "#2b5c9e"


def x_of(ratio):
    part = (math.log10(ratio) - LOWEST) / (HIGHEST - LOWEST)
    return LEFT + min(max(part, 0), 1) * (RIGHT - LEFT)


def text_at(x, y, text, extra=""):
    return f'<text x="{x:.1f}" y="{y}" {extra}>{text}</text>'


def line_at(x, top, bottom, extra):
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" {extra}/>'


def bar(y, row):
    """A stick from 1 to the ratio, the target, and what it is made of."""
    is_dearer = round(row.ratio, 2) > 1
    colour = DEARER if is_dearer else OVER if row.is_over else GOOD
    x, one = x_of(row.ratio), x_of(1)
    yield text_at(LEFT - 12, y + 5, row.name, 'text-anchor="end"')
    yield (f'<line x1="{one:.1f}" x2="{x:.1f}" y1="{y}" y2="{y}"'
           f' stroke="{colour}" stroke-width="8"/>')
    yield f'<circle cx="{x:.1f}" cy="{y}" r="6" fill="{colour}"/>'
    if row.target is not None:
        yield line_at(x_of(row.target / row.tree), y - 10, y + 10,
                      'stroke="black" stroke-width="3"')
    if row.iommufd is not None:
        yield (f'<circle cx="{x_of(row.ours / row.iommufd):.1f}" cy="{y}" r="4"'
               f' fill="{THIRD}"/>')
    for edge, value in zip(COLUMNS, (row.tree, row.ours, row.ratio)):
        yield text_at(edge, y + 5, number(value), 'text-anchor="end"')
    yield text_at(COLUMNS[-1] + 12, y + 5, row.per, 'fill="#555"')


def title(report):
    kernel = report.head["kernel"]
    if report.is_time:
        return f"Time, type1x divided by the in-tree driver: {kernel}"
    return ("Instructions, type1x divided by the in-tree driver:"
            f" Debian {kernel}")


def legend(report):
    def dot(colour, text):
        return f'<tspan fill="{colour}">●</tspan> {text}'

    if report.is_time:
        dots = [dot(GOOD, "quicker"), dot(DEARER, "slower")]
        if any(row.iommufd for row in report.rows):
            dots.append(dot(THIRD, "divided by iommufd"))
        return ", ".join(dots)
    return (", ".join([dot(GOOD, "cheaper"), dot(OVER, "not yet at its target"),
                       dot(DEARER, "dearer")])
            + '; <tspan fill="black">▎</tspan>target')


def chart(report):
    bottom = TOP + STEP * len(report.rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
        f' height="{bottom + 16}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        text_at(20, 28, title(report), 'font-size="17"'),
        text_at(20, 50, f'{report.head["machine"]}, {report.head["date"]}.'
                f' {legend(report)}', 'fill="#555"'),
    ]
    for exponent in range(LOWEST, 1):
        x = x_of(10.0 ** exponent)
        colour = "#ddd" if exponent else "#333"
        parts.append(line_at(x, TOP - 18, bottom - 8, f'stroke="{colour}"'))
        parts.append(text_at(x, TOP - 24, f"{10.0 ** exponent:g}",
                             'text-anchor="middle" fill="#555"'))
    for edge, name in zip(COLUMNS, ("in-tree", "ours", "ratio")):
        parts.append(text_at(edge, TOP - 24, name,
                             'text-anchor="end" fill="#555"'))
    parts.append(text_at(COLUMNS[-1] + 12, TOP - 24, "per", 'fill="#555"'))
    for i, row in enumerate(report.rows):
        parts.extend(bar(TOP + STEP * i, row))
    return "\n".join(parts + ["</svg>", ""])


# --- what is asked for ---------------------------------------------------------

def show(report):
    head = report.head
    if report.is_time:
        print(f'\nNanoseconds, {head["kernel"]}, {head["machine"]},'
              f' {head["date"]}; noise is by how much a driver differed from'
              " itself:\n")
        print("\n\n".join(report.tables()))
        return
    print(f'\nInstructions, {head["kernel"]}, {head["date"]}:\n')
    print(report.costs())
    print("\nHow often the kernel did what, in-tree / ours, each for all"
          " units of one run:\n")
    print(report.counts())


def run(cases, source, svg, *names):
    chosen = [case for case in wanted(cases) if case[0] in names]
    report = Report(source, chosen)
    if report.rows:
        show(report)
        with open(svg, "w", encoding="utf-8") as file:
            file.write(chart(report))
    if report.weights:
        print("\nMemory:\n")
        print(report.memory())
    print("", source, *[svg] if report.rows else [], sep="\n")
    return report.complain()


def taken(reports):
    """When and where."""
    return ", ".join(dict.fromkeys(
        report.head[what] for what in ("date", "machine")
        for report in reports))


def text_bar(ratio):
    """As long as the ratio, to an eighth of a character."""
    eighths = round(min(ratio, 1) * LENGTH * 8)
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()).ljust(LENGTH, "·")


def readme(report):
    """Bars of one kernel, from the figures as tables have them: RST has no others."""
    lines = [f"    {'instructions':>24}  0{'1: in-tree':>{LENGTH - 1}}   in-tree  type1x"]
    for name, text in README.items():
        row = next(row for row in report.rows if row.name == name)
        tree, ours, ratio = map(number, (row.tree, row.ours, row.ratio))
        lines.append(f"    {text:>24}  {text_bar(float(ratio))}  {tree:>8}{ours:>8}"
                     f"  per {PER.get(row.per, row.per)}")
    head = report.head
    return "\n".join([*lines, "", f"{head['date']}, {head['machine']}; "
                      f"Debian's {head['kernel']}."])


def costs(reports):
    parts = []
    for report in reports:
        kernel = report.head["kernel"]
        parts += [kernel, "-" * len(kernel), "", report.costs(), "",
                  report.memory(), ""]
    return "\n".join(parts[:-1])


def documents(cases, *paths):
    *sources, markdown, rst = paths
    reports = [Report(source, wanted(cases)) for source in sources]
    if any([report.complain() for report in reports]):
        return True
    put(markdown, "bench summary", readme(reports[-1]))
    put(rst, "bench machine", taken(reports) + ".")
    put(rst, "bench costs", costs(reports))
    put(rst, "bench counts", reports[-1].counts())
    return False


def times(name, cases, source, rst):
    report = Report(source, wanted(cases))
    if report.complain():
        return True
    put(rst, f"bench {name}", "\n\n".join([
        f'{taken([report])}; nanoseconds, {report.head["kernel"]}.',
        *report.tables()]))
    return False


def growth(cases, source, rst=None):
    """An operation a line: what it costs with few mappings and with many."""
    head, *lines = map(json.loads, open(source))
    figures = {(line["case"], line["op"], line["driver"]): line for line in lines}
    order = [(case, op) for case, op, *_ in wanted(cases)
             if rst or any(case == measured for measured, *_ in figures)]
    if not order:
        print(f'{head["kernel"]}: nothing was measured', file=sys.stderr)
        return True
    sizes = list(dict.fromkeys(case for case, _ in order))
    missing = [f"{case} {op}" for case, op in order
               if (case, op, OURS) not in figures]
    if missing:
        print(f'{head["kernel"]}: not measured: {", ".join(missing)}', file=sys.stderr)
        return True
    rows = []
    for op in dict.fromkeys(op for _, op in order):
        tree, ours = ([figures.get((size, op, driver)) for size in sizes]
                      for driver in (TREE, OURS))
        costs = [min(figure["ns"]) if figure else None for figure in tree + ours]
        ratios = [b / a for a, b in zip(costs, costs[len(sizes):]) if a and b]
        rows.append([op, ours[0]["per"], *map(number_or_none, costs),
                     number_or_none(ratios[-1] if ratios else None)])
    counts = [size.partition("-")[2] for size in sizes]
    text = table(["operation", "per"] + [f"{driver} {count}" for driver in ("in-tree", "ours")
                                         for count in counts] + ["ratio"], rows)
    print(f'\nInstructions with so many mappings, {head["kernel"]}, {head["date"]}:\n')
    print(text)
    if rst:
        put(rst, "bench growth", f'{head["date"]}, {head["machine"]}; instructions,'
            f' {head["kernel"]}.\n\n{text}')
    return False


class Quoted:
    """A row of a table of costs, and what chart() wants to know of one."""

    iommufd = None

    def __init__(self, name, per, tree, ours, ratio, target):
        self.name, self.per = name, per
        self.tree, self.ours, self.ratio = map(float, (tree, ours, ratio))
        target, _, over = target.partition(", ")
        self.target = float(target) if target else None
        self.is_over = bool(over)


class Quotation:
    """The figures of the last kernel that "documents" wrote about."""

    is_time = False

    def __init__(self, text):
        # Of each kernel: its name, a table of costs, one of memory.
        *_, heading, table, _ = re.search(
            place("bench costs"), text)[2].rstrip().split("\n\n")
        rule, _, _, *lines, _ = table.split("\n")
        date, machine = re.search(
            place("bench machine"), text)[2].strip(" .\n").split(", ", 1)
        self.head = {"kernel": heading.split("\n")[0], "date": date,
                     "machine": machine}
        columns = [match.span() for match in re.finditer("=+", rule)]
        self.rows = [Quoted(*(line[begin:end].strip() for begin, end in columns))
                     for line in lines]


def redraw(rst, svg):
    with open(rst, encoding="utf-8") as file:
        report = Quotation(file.read())
    with open(svg, "w", encoding="utf-8") as file:
        file.write(chart(report))
    return False


def summary(rst, markdown):
    with open(rst, encoding="utf-8") as file:
        report = Quotation(file.read())
    put(markdown, "bench summary", readme(report))
    return False


MODES = {"run": run, "documents": documents, "times": times, "growth": growth,
         "redraw": redraw, "summary": summary}
sys.exit(MODES[sys.argv[1]](*sys.argv[2:]))
