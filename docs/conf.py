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


def write_page(name: str, text: str) -> None:
    """A generated page of the reference; left alone where nothing changed, so that Sphinx need not read it again."""
    path = HERE / "reference" / name
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write_cli_reference() -> None:
    """`reference/cli.md` from the commands themselves, by typer's own generator."""
    import click
    import typer
    from typer.cli import get_docs_for_click

    from facetracker.cli.main import app as commands

    group = typer.main.get_command(commands)
    text = get_docs_for_click(obj=group, ctx=click.Context(group, info_name="facetracker"), name="facetracker")
    _, _, rest = text.partition("\n")
    write_page(
        "cli.md",
        f"# The command line\n\nMade from the program itself; `facetracker COMMAND --help` says the same.\n{rest}",
    )


def write_settings_reference() -> None:
    """`reference/settings.md` from the classes that check the settings, and the presets."""
    from facetracker.core.settings import PRESETS, Settings, load_settings, preset_names, setting_keys
    from facetracker.training.classifier.settings import ClassifierSettings

    lines = [
        "# Every setting\n",
        "Made from the program itself. A preset is a file with some of these; `--set KEY=VALUE` changes one more, and",
        "`config.yaml` in a run's folder has all of them as they were.\n",
        "```text\nfacetracker train aug_data --preset nano --set training.epochs=30\n```\n",
        "## Of a tracker\n\n`facetracker train`.\n",
        *table_of(Settings),
        "\n## Of a classifier\n\n`facetracker train-classifier`. What `training` means is the same as above.\n",
        *table_of(ClassifierSettings, but=("kind", "training")),
        "\n## Presets\n\nWhat each changes; `facetracker/presets/NAME.yaml`.\n",
    ]
    for name in preset_names():
        values, usual = setting_keys(load_settings(name)), setting_keys()
        comments = [line[1:].strip() for line in (PRESETS / f"{name}.yaml").read_text().splitlines() if line[:1] == "#"]
        changed = "\n".join(f"{key}: {value}" for key, value in values.items() if value != usual[key])
        command, *about = comments
        lines.append(f"### {name}\n\n```text\n{command}\n```\n" + "\n".join(about) + f"\n\n```yaml\n{changed}\n```\n")
    write_page("settings.md", "\n".join(lines))


def table_of(kind, but=()) -> list[str]:
    """The rows of a table: each setting of a class of settings, what it may be, its default, what it means."""
    rows = ["| setting | may be | default | meaning |", "|---|---|---|---|"]
    for name, field in kind.model_fields.items():
        if name in but:
            continue
        fields = getattr(field.annotation, "model_fields", None)
        for key, one in ((f"{name}.{key}", one) for key, one in fields.items()) if fields else ((name, field),):
            default = "–" if one.default is None else f"`{one.default}`"
            rows.append(f"| `{key}` | {may_be(one)} | {default} | {one.description} |")
    return rows


def may_be(field) -> str:
    """What a setting may be, in words: its choices, or a kind of value and its bounds."""
    words = {"NoneType": "none", "bool": "true or false", "str": "text", "int": "whole number", "float": "number"}
    args = getattr(field.annotation, "__args__", None) or (field.annotation,)
    kinds: list[str] = []
    for one in args:
        choices = getattr(one, "__args__", ())
        if isinstance(one, str):
            kinds.append(f"`{one}`")
        elif choices and all(isinstance(choice, str) for choice in choices):
            kinds += [f"`{choice}`" for choice in choices]
        elif getattr(one, "__origin__", None) is list:
            kinds.append("list of text")
        else:
            kinds.append(words[one.__name__])
    signs = {"ge": "from {:g}", "gt": "above {:g}", "le": "to {:g}", "lt": "below {:g}"}
    bounds = [
        sign.format(getattr(limit, key))
        for limit in field.metadata
        for key, sign in signs.items()
        if hasattr(limit, key)
    ]
    return ", ".join(kinds) + (f" ({' '.join(bounds)})" if bounds else "")


def write_reference(app) -> None:
    """The pages of the reference that are made from the program."""
    write_cli_reference()
    write_settings_reference()


def setup(app) -> None:
    app.connect("builder-inited", write_reference)
