#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of each operation went, function by function.

usage: profile.py RESULTS STRETCHES

RESULTS has bench's remarks: "# profile CASE OP DRIVER UNITS" for each stretch, and where
functions are. STRETCHES is profile.c's.
"""

import collections
import sys

from stretches import announced, function_at, paired

# What is shown of each stretch: functions with this part of it, or more.
LEAST = 0.005

# Functions of our module begin with this; all others are the kernel's.
OURS = "t1x_"


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
    functions = collections.Counter()
    for address, n in insns.items():
        functions[function_at(symbols, address, "(user space)")] += n
    return functions


def main(path, counts):
    for ((*name, units), symbols), insns in paired(announced(path, "profile"), stretches(counts)):
        name, units = " ".join(name), int(units)
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
