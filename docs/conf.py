"""Settings of the documentation site. The source folder is the repository's top, so that pages stand where they belong and
links between them are the same here and in the repository; `make docs` says how it is built."""

from importlib import metadata

project = "specgen"
author = "the authors of specgen"
version = release = metadata.version("specgen")

extensions = ["myst_parser", "autoapi.extension", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/tutorials/*.md",
    "docs/gallery/*.md",
    "docs/api/**.rst",
    "benchmarks/*.md",
    "reports/README.md",
    "reports/*/README.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

autoapi_dirs = ["specgen", "classify"]
autoapi_root = "docs/api"
autoapi_add_toctree_entry = False
autoapi_options = ["members", "undoc-members", "show-inheritance", "show-module-summary"]
autoapi_member_order = "bysource"
suppress_warnings = [
    "autoapi.python_import_resolution",  # names bound two at a time (A, B = 1, 2) are not seen
    "ref.python",  # types in words ("length", "bytes") that are names of attributes of several classes
]
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Input", "Output"]

html_theme = "furo"
html_title = "specgen: DNA as a signal"
html_extra_path = ["_extra"]
