# SPDX-License-Identifier: GPL-2.0
"""Tables of reStructuredText, and their places in the manual."""

import re


def table(head, rows, words=1):
    """The first columns, so many, are words, the others are numbers; no column is empty."""
    head, *rows = zip(*(column for column in zip(head, *rows)
                        if any(column[1:])))
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    line = "  ".join("=" * width for width in widths)

    def text(cells):
        return "  ".join(
            cell.ljust(width) if i < words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()

    return "\n".join([line, text(head), line, *map(text, rows), line])


def place(mark):
    """A pattern for what is between the comments, and for these; the second is an end."""
    return rf"(?ms)(^[^\w\n]+{mark}\b.*?\n)(.*?)(^[^\w\n]+end\b)"


def put(path, mark, text):
    """Replace what is between the comments, of which the first begins with the mark."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new, found = re.subn(place(mark),
                         lambda match: f"{match[1]}\n{text}\n\n{match[3]}", old)
    assert found == 1, f"{path} has no place for {mark}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)
