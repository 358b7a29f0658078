"""A run's report and pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import read_json
from facetracker.web.child import run_child
from facetracker.web.paths import NotThere, Place, file_of, run_folder

FOLDER = "evaluation"  # inside the run
PICTURES = ("curves.png", "val_predictions.png")
# The report is one file with its own styles and pictures and no script; the page shows it in a sandboxed frame.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"


class Reports:
    """Finds the evaluation report of a run, or has it made; one at a time."""

    def __init__(self, place: Place):
        self.place = place
        self._making = asyncio.Lock()

    async def find(self, run: str) -> Path:
        """`report.html` of a run; made from its own val or test photos when it is not there yet."""
        folder = run_folder(self.place, run)
        async with self._making:
            try:
                return file_of(folder / FOLDER, "report.html")
            except NotThere:
                await self._make(folder)
            return file_of(folder / FOLDER, "report.html")

    def picture(self, run: str, name: str) -> Path:
        """One of the pictures that a run leaves."""
        return file_of(run_folder(self.place, run), name)

    async def _make(self, folder: Path) -> None:
        if not (folder / "model.keras").is_file():
            raise NotThere(f"{folder.name} has no model yet", fix="Wait for its first epoch.")
        photos, part = self._photos(folder)
        command = ["evaluate", str(folder), str(photos), "--part", part, "--out", str(folder / FOLDER)]
        code, lines = await run_child(command)
        if code not in (0, 3):
            raise FaceTrackerError(f"the report cannot be made ({lines[-1] if lines else code})")

    def _photos(self, folder: Path) -> tuple[Path, str]:
        """The clean photos that the run did not train on: its own split's, else those of the folder it names."""
        own = self.place.aug_data / folder.name / "photos"
        data = own if own.is_dir() else Path(str(read_json(folder / "run.json").get("data", "")))
        for part in ("test", "val"):
            images = data / part / "images"
            if images.is_dir() and any(images.iterdir()):
                return data, part
        raise NotThere(f"{folder.name} has no photos to be judged on", fix="Label more photos, so that some are left.")
