"""What `inspect` left in a run folder, shown in the report: where the answers come from, and the filters."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from facetracker.reports.page import image

# Of the sheets that `inspect` writes; the largest one, of the activations, is left to its own report.
PICTURES = {
    "gradcam.png": "Where each answer comes from: bright places speak for it.",
    "filters.png": "What the first layer looks for: as training began, if that is known, and now.",
}
STYLE = """
.inside { display:grid; gap:14px; } .inside figure { width:fit-content; max-width:100%; }
.inside figcaption span { white-space:normal; }
.inside div { background:#fff; } .inside img { display:block; max-width:100%; }
"""


def looking_inside(models: Sequence[tuple[str, Path]]) -> str:
    """The pictures of every run that was inspected since it was trained; the models as `(name, file)`."""
    runs = {path.parent: name for name, path in models if path.name.startswith("model.")}
    parts = [_pictures(name, run / "inspect") for run, name in runs.items() if _was_inspected(run)]
    return "<h2>Looking inside</h2>" + "".join(parts) if parts else ""


def _was_inspected(run: Path) -> bool:
    """Whether the pictures are there and younger than the network: those of an earlier one would mislead."""
    network, pictures = run / "model.keras", [run / "inspect" / name for name in PICTURES]
    if not all(path.is_file() for path in (network, *pictures)):
        return False
    return min(path.stat().st_mtime for path in pictures) >= network.stat().st_mtime


def _pictures(name: str, folder: Path) -> str:
    figures = "".join(
        f"<figure><div>{image((folder / file).read_bytes(), text)}</div>"
        f"<figcaption><span>{escape(text)}</span></figcaption></figure>"
        for file, text in PICTURES.items()
    )
    where = f"{escape(name)}, as <code>facetracker inspect</code> saw it; more in <code>{escape(str(folder))}</code>."
    return f'<p>{where}</p><div class="inside">{figures}</div>'
