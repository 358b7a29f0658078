"""Sphinx: Markdown pages (MyST), the reference made from the command line itself and from the docstrings.

`make docs` builds with warnings as errors. Nothing is fetched: no remote fonts, no intersphinx.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from facetracker.core.console import silenced  # noqa: E402
from facetracker.version import __version__  # noqa: E402

with silenced():  # its start-up noise survives every setting; autodoc would bring it into the middle of the build
    import tensorflow  # noqa: F401

project = "facetracker"
author = "The facetracker authors"
copyright = f"2026, {author}"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"facetracker {__version__}"
html_static_path = ["_static"]
html_css_files = ["page.css"]
html_show_sphinx = False

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

# The docstrings are plain English with `names` in single backticks.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True


def write_cli_reference(app) -> None:
    """`reference/cli.md` from the commands themselves, by typer's own generator."""
    import click
    import typer
    from typer.cli import get_docs_for_click

    from facetracker.cli.main import app as commands

    group = typer.main.get_command(commands)
    text = get_docs_for_click(obj=group, ctx=click.Context(group, info_name="facetracker"), name="facetracker")
    _, _, rest = text.partition("\n")
    page = f"# The command line\n\nMade from the program itself; `facetracker COMMAND --help` says the same.\n{rest}"
    path = HERE / "reference" / "cli.md"
    if not path.exists() or path.read_text() != page:
        path.write_text(page)


def setup(app) -> None:
    app.connect("builder-inited", write_cli_reference)
