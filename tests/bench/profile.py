#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of each operation went, function by function.

usage: profile.py RESULTS STRETCHES

RESULTS has bench's remarks: "# profile CASE OP DRIVER UNITS" for each stretch, and
"# sym ADDRESS NAME" for each function: first those of the kernel, then after each
"# modules" those of what is loaded from there on. STRETCHES is profile.c's.
"""

import bisect
import collections
import sys

# What is shown of each stretch: functions with this part of it, or more.
LEAST = 0.005

# Functions of our module begin with this; all others are the kernel's.
OURS = "t1x_"


def announced(path):
    """For each stretch its name, its units and the functions by address."""
    symbols = kernel = {}
    for line in open(path, errors="replace"):
        word = line.split()
        if word[:2] == ["#", "modules"]:
            symbols = dict(kernel)
        elif word[:2] == ["#", "sym"] and len(word) == 4:
            symbols.setdefault(int(word[2], 16), word[3])
        elif word[:2] == ["#", "profile"] and len(word) == 6:
            yield " ".join(word[2:5]), int(word[5]), sorted(symbols.items())


def stretches(path):
    """For each stretch, instructions by address."""
    insns = None
    for line in open(path):
        if line.startswith("stretch"):
            if insns is not None:
                yield insns
            insns = collections.Counter()
        else:
            address, n = line.split()
            insns[int(address, 16)] += int(n)
    if insns is not None:
        yield insns


def by_function(insns, symbols):
    """Instructions by function; user space is one of them."""
    starts = [address for address, _ in symbols]
    functions = collections.Counter()
    for address, n in insns.items():
        i = bisect.bisect_right(starts, address) - 1
        functions[symbols[i][1] if i >= 0 else "(user space)"] += n
    return functions


def main(path, counts):
    told, found = list(announced(path)), list(stretches(counts))
    if len(found) != len(told):
        sys.exit(f"{len(told)} stretches were announced, {len(found)} seen")
    for (name, units, symbols), insns in zip(told, found):
        functions = by_function(insns, symbols)
        total = sum(functions.values())
        own = sum(n for function, n in functions.items()
                  if function.startswith(OURS))
        print(f"\n{name}: {total / units:.4g} each, {units} of them; without"
              f" {OURS}*() {(total - own) / units:.4g}\n")
        rest = total
        for function, n in functions.most_common():
            if n < LEAST * total:
                break
            rest -= n
            print(f"  {n / units:10.4g}  {n / total:6.1%}  {function}")
        print(f"  {rest / units:10.4g}  {rest / total:6.1%}  (all others)")


main(*sys.argv[1:])
