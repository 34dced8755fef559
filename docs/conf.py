"""How Sphinx builds the site: `make docs`."""

from __future__ import annotations

from zoo import __version__

project = "zoo"
author = "the authors of zoo"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["explanation/chapter.json"]
html_theme = "furo"
html_title = "zoo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_copy_source = False
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
smartquotes = False  # `--option` stays as it is
default_role = "code"  # `name` in a docstring is code
napoleon_use_ivar = True
