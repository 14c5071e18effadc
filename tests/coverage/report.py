#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the tests execute of the driver, by file, and what they never do.

usage: report.py NEVER JSON... [-w PAGE WHEN]

Each JSON is what gcov prints of an object.  NEVER has a line `FILE FUNCTION REASON' for each
function of which no test reaches some lines.  One that is not there, and one that is there and
is reached in all its lines, is said, and exit status 1.  PAGE gets the tables, and WHEN and where
that was.
"""

import collections
import json
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../bench"))
from tables import put, table

SOURCE = "drivers/vfio/type1x/"

# Files of pure data, which need no kernel to be tried, and how many lines of theirs and of the
# others have to be executed, in per cent.
PURE = "dma runs iova_ranges access_pages dirty_bitmap urange map_stats".split()
WANTED = {"pure data": 95, "the rest": 85}


class File:
    """Counts of a file's lines and branches, summed over the objects that it is compiled in."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.defaultdict(list)
        self.functions = {}

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        self.functions[number] = line.get("function_name", "-")
        old = self.branches[number]
        new = [branch["count"] for branch in line["branches"]]
        # A header's may be compiled in two ways.
        if len(old) == len(new):
            new = [a + b for a, b in zip(old, new)]
        self.branches[number] = new

    def executed(self):
        return sum(count > 0 for count in self.lines.values()), len(self.lines)

    def taken(self):
        counts = [count for branches in self.branches.values() for count in branches]
        return sum(count > 0 for count in counts), len(counts)

    def missed(self):
        """Numbers of the lines that were not executed, for each function."""
        missed = collections.defaultdict(list)
        for number in sorted(self.lines):
            if not self.lines[number]:
                missed[self.functions[number]].append(number)
        return missed


def read(paths):
    files = collections.defaultdict(File)
    for path in paths:
        for text in open(path):
            for file in json.loads(text)["files"]:
                # Kbuild names the suites by way of the driver's folder.
                name = os.path.normpath(file["file"]).partition(SOURCE)
                if name[1]:
                    for line in file["lines"]:
                        files[name[2]].add(line)
    return files


def read_never(path):
    """Reasons by file and function."""
    reasons = {}
    for text in open(path):
        if text.strip() and not text.startswith("#"):
            name, function, reason = text.rstrip("\n").split(None, 2)
            reasons[name, function] = reason
    return reasons


def percent(part, whole):
    return f"{100 * part / whole:.1f}" if whole else "-"


def counted(files):
    rows = []
    for name, file in sorted(files.items()):
        executed, taken = file.executed(), file.taken()
        rows.append((name, *map(str, executed), percent(*executed), *map(str, taken),
                     percent(*taken)))
    return table(("file", "executed", "lines", "%", "taken", "branches", "%"), rows)


def spans(numbers):
    """1-3, 7 of 1, 2, 3, 7."""
    found = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in found)


def judge(files, reasons):
    """What is wrong, as sentences."""
    wrong = []
    for name, file in sorted(files.items()):
        for function, numbers in file.missed().items():
            if (name, function) not in reasons:
                wrong.append(f"{name}: {function}: lines {spans(numbers)} were never executed")
    for name, function in reasons:
        if name not in files or function not in files[name].missed():
            wrong.append(f"{name}: {function}: all of it was executed, for all that the list says")
    for what, wanted in WANTED.items():
        of = [file.executed() for name, file in files.items()
              if (name.removesuffix(".c").removesuffix(".h") in PURE) == (what == "pure data")]
        executed, lines = map(sum, zip(*of))
        print(f"{what}: {percent(executed, lines)} % of {lines} lines, {wanted} % wanted")
        if 100 * executed < wanted * lines:
            wrong.append(f"{what}: less than {wanted} % was executed")
    return wrong


def tables(when, files, reasons):
    never = [(name, f"``{function}()``", reason) for (name, function), reason in reasons.items()]
    return "\n\n".join([when, counted(files),
                        table(("file", "function", "why"), never, words=3)])


def main(arguments):
    page = when = None
    if "-w" in arguments[:-2]:
        *arguments, _, page, when = arguments
    if len(arguments) < 2:
        sys.exit(__doc__)
    files, reasons = read(arguments[1:]), read_never(arguments[0])
    wrong = judge(files, reasons)
    for sentence in wrong:
        print(f"not ok {sentence}")
    print(counted(files))
    if page:
        put(page, "coverage tables", tables(when, files, reasons))
    sys.exit(bool(wrong))


main(sys.argv[1:])
