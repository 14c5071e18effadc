# SPDX-License-Identifier: GPL-2.0-only
"""How Sphinx makes the manual: `make docs`.

srctree is the source of a kernel, whose own extension reads kernel-doc comments, and
chart the picture that performance.rst calls by that name.
"""

import logging
import os
import re
import sys

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

sys.path.insert(0, os.path.join(os.environ["srctree"], "Documentation/sphinx"))

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

project = "type1x"
author = "The type1x developers"
copyright = "2026 " + author
with open(os.path.join(TOP, "drivers/vfio/type1x/main.c"), encoding="utf-8") as main:
    release = re.search(r'MODULE_VERSION\("(.*)"\)', main.read())[1]

extensions = ["kerneldoc"]
kerneldoc_srctree = TOP
highlight_language = "none"
smartquotes = False

c_id_attributes = ["__percpu", "__user"]
# To Sphinx a structure and a function of one name are the same.
logging.getLogger("sphinx.sphinx.domains.c").addFilter(
    lambda record: not str(record.msg).startswith("Duplicate C declaration"))
# Names of the kernel and of libc lead nowhere; ours have to.
nitpicky = True
nitpick_ignore_regex = [("c:.*", r"(?!t1x_|T1X_|vfio_type1x|VFIO_TYPE1X).*")]

rst_epilog = ".. |chart| image:: " + os.path.relpath(
    os.environ["chart"], os.path.join(TOP, "Documentation"))

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_show_sourcelink = False
html_copy_source = False


class PageLinks(SphinxTransform):
    """The name of a page in plain text, such as uapi.rst, is a link to it."""

    default_priority = 600
    page = re.compile(r"\b([a-z0-9-]+)\.rst\b")

    def apply(self):
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, (nodes.paragraph, nodes.term)):
                text.parent.replace(text, list(self.links(text)))

    def links(self, text):
        # Odd parts are what the group of the pattern matched.
        for i, part in enumerate(self.page.split(text)):
            if i % 2 == 0:
                yield nodes.Text(part)
                continue
            yield addnodes.pending_xref(
                "", nodes.inline(text=part), refdomain="std", reftype="doc",
                reftarget="/" + part, refdoc=self.env.docname,
                refexplicit=False, refwarn=True)


def setup(app):
    app.add_transform(PageLinks)
    return {"parallel_read_safe": True}
