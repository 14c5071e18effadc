#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The cache lines that two CPUs share, by what touches them.

usage: lines.py RESULTS LINES

RESULTS has bench's remarks: "# lines OP DRIVER" for each stretch, and where functions are.
LINES is lines.c's.
"""

import collections
import sys

from stretches import announced, function_at, paired

# A line that is touched in fewer operations than this is one of the timer's, or of the like.
LEAST = 0.1

# Of those that touch a line, so many are shown: a stack is touched by all.
FUNCTIONS = 12


def stretches(path):
    """For each stretch its number of operations, and for each line what touched it."""
    found = None
    for text in open(path):
        word = text.split()
        if word[0] == "stretch":
            if found:
                yield found
            found = int(word[1]), []
        elif word[0] == "line":
            found[1].append((int(word[1], 16), int(word[2]), int(word[3]), []))
        else:
            found[1][-1][3].append((int(word[0], 16), int(word[1]), int(word[2])))
    if found:
        yield found


def by_function(sites, symbols):
    """Reads and writes of each function, those that write first."""
    counts = collections.defaultdict(lambda: [0, 0])
    for address, reads, writes in sites:
        count = counts[function_at(symbols, address, "?")]
        count[0] += reads
        count[1] += writes
    return sorted(counts.items(), key=lambda item: (-item[1][1], -item[1][0]))


def main(path, counts):
    for (name, symbols), (operations, lines) in paired(announced(path, "lines"),
                                                       stretches(counts)):
        name = " ".join(name)
        if not operations:
            sys.exit(f"{name}: no operation was seen")
        lines = sorted((line for line in lines if line[1] >= LEAST * operations),
                       key=lambda line: -line[2])
        print(f"\n{name}: {sum(line[1] for line in lines) / operations:.1f} shared lines a"
              f" pair, touched {sum(line[2] for line in lines) / operations:.1f} times;"
              " each, with reads and writes a pair:\n")
        for address, _, visits, sites in lines:
            print(f"  {address:x}, {visits / operations:.2f} times a pair")
            for function, (reads, writes) in by_function(sites, symbols)[:FUNCTIONS]:
                print(f"    {reads / operations:6.2f} {writes / operations:6.2f}  {function}")


main(*sys.argv[1:])
