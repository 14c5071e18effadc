# SPDX-License-Identifier: GPL-2.0
"""What bench says of the stretches that a plugin of QEMU has seen, and where functions are."""

import bisect
import sys


def announced(path, kind):
    """For each stretch what "# KIND ..." has of it, and the functions by address.

    There are "# sym ADDRESS NAME" for each function: first those of the kernel, then after
    each "# modules" those of what is loaded from there on.
    """
    symbols = kernel = {}
    for line in open(path, errors="replace"):
        word = line.split()
        if word[:2] == ["#", "modules"]:
            symbols = dict(kernel)
        elif word[:2] == ["#", "sym"] and len(word) == 4:
            symbols.setdefault(int(word[2], 16), word[3])
        elif word[:2] == ["#", kind]:
            yield word[2:], sorted(symbols.items())


def function_at(symbols, address, otherwise):
    """The name of the function that has an address, or what is to stand for none."""
    i = bisect.bisect_right(symbols, address, key=lambda symbol: symbol[0]) - 1
    return symbols[i][1] if i >= 0 else otherwise


def paired(told, found):
    """Both lists, side by side; ends the program if one is longer."""
    told, found = list(told), list(found)
    if len(found) != len(told):
        sys.exit(f"{len(told)} stretches were announced, {len(found)} seen")
    return zip(told, found)
