"""A drawn workspace in which the commands of the documentation run, and what stands in for camera and labelme.

What is done with a command, and why:

- run as it stands: audit, split, show, convert, prelabel, evaluate, inspect, detect on a file ...;
- run with a substitute: `collect` and `detect` without `--source`, `frame 0` and `notice 0` get a drawn scene in
  place of the camera (`notice` no view, and `true` in place of programs that switch lamps), `annotate` the starter in
  place of a person before labelme, the user's folder WEBCAM is the drawn one, training is one epoch of 16 pictures,
  `learn` stops at the style, sessions are 8 photos, a classifier is trained one epoch on pictures of 64 pixels, and no
  graph is made for the few steps of either;
- a second training or export is only parsed and its settings read, because each costs ten seconds; the first run then
  stands in under the second's name (of classifiers, the first of the same network); so does a small classifier for
  AlexNet, whose files are half a gigabyte, and for those that would download ImageNet's weights;
- parsed by the real command line: what needs a network (ImageNet weights), serves until it is stopped (`web`, and
  `label` where no frames are asked for), opens labelme for good (`review`), needs a cluster (`--on ray`) or an OpenCV
  with cascades (`detect haar`), or has its own test (`demo`, `doctor`, `detect --classifier`, `notice --webhook`,
  `frame --to`).
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import typer
from drawn_photos import draw_photos
from without_graph import without_graph

from facetracker.cli import main as cli
from facetracker.cli.words import is_model
from facetracker.core.example import Example
from facetracker.core.files import photos_in
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.core.settings import load_settings
from facetracker.from_scratch.digits import FILES
from facetracker.inference.detector import Detector
from facetracker.inference.recording.record import VideoRecorder
from facetracker.labels.labelme import write_labels
from facetracker.labels.pairing import label_path
from facetracker.scenes import Scene
from facetracker.training.classifier.settings import changed as classifier_settings
from facetracker.training.classifier.settings import default_settings

ONLY_PARSED = ("web", "review", "demo", "doctor")
LIGHT = ("nano", "vgg6", "lenet5_224")  # classifiers that are trained in a few seconds
LESS = {"--count": "8", "--variants": "2", "--rounds": "3", "--stop": "1", "--minutes": "1"}
SHORT_TRAINING = ["--epochs", "1", "--set", "training.samples_per_epoch=16", "--set", "training.val_pictures=8"]


class Workspace:
    """Runs commands in the current folder; remembers what was run."""

    def __init__(self) -> None:
        self.group: Any = typer.main.get_command(cli.app)
        self.context: Any = self.group.make_context("facetracker", ["doctor"])
        self.ran: list[list[str]] = []
        self.classifiers: dict[str, str] = {}  # the first run of each small backbone
        self.rooms = 0
        draw_material()

    def facetracker(self, words: list[str]) -> str:
        """Run or parse `facetracker WORDS`; what was done."""
        name, _, rest = self.group.resolve_command(self.context, words)
        values = self.parse(words)
        only_parsed = name in ONLY_PARSED or {"ray", "--help", "--classifier", "--webhook", "haar"} & set(rest)
        only_parsed = only_parsed or (name == "frame" and "--to" in rest)  # into programs that are not here
        takes = {"--frames", "--all", "--mot", "--coco-video"}
        only_parsed = only_parsed or (name == "label" and not takes & set(rest))  # the page, until it is stopped
        if only_parsed or (name == "export" and values["to"] != ["html"] and self.has_run(name)):
            return "parsed"
        if name == "train" and not values["resume"] and (values["preset"] != "nano" or self.has_run(name)):
            load_settings(values["preset"], values["change"] or [])
            if values["name"]:
                shutil.copytree(a_run(classifier=False), Path("runs") / values["name"], dirs_exist_ok=True)
            return "parsed"
        if name == "train-classifier" and (values["backbone"] not in LIGHT or values["backbone"] in self.classifiers):
            classifier_settings(default_settings(values["backbone"]), values["change"] or [])
            trained = a_run(classifier=True, name=self.classifiers.get(values["backbone"]))
            if trained.name != values["name"]:
                shutil.copytree(trained, Path("runs") / values["name"], dirs_exist_ok=True)
            return "parsed"
        if name == "train-classifier":
            self.classifiers[values["backbone"]] = values["name"]
        if name == "annotate":
            label_all(Path(values["data"]) / "images")
            return "substituted"
        self.run([name, *self.substituted(name, rest)])
        return "run"

    def has_run(self, name: str) -> bool:
        return any(words[0] == name and "html" not in words for words in self.ran)  # a page costs nothing

    def parse(self, words: list[str]) -> dict[str, Any]:
        """The values of the options, as the command would get them; a mistake raises."""
        if "--help" in words:
            words = [word for word in words if word != "--help"]
        name, command, rest = self.group.resolve_command(self.context, words)
        return command.make_context(name, rest, parent=self.context).params

    def substituted(self, name: str, rest: list[str]) -> list[str]:
        """The arguments with a scene for the camera, and less of everything."""
        options = {option for param in self.group.get_command(self.context, name).params for option in param.opts}
        given = [LESS.get(before, word) for before, word in zip(["", *rest], rest, strict=False)]
        given = ["data" if word == "WEBCAM" else word for word in given]
        values = self.parse([name, *rest]) if name == "detect" else {}
        no_source = name == "collect" or all(is_model(word) for word in values.get("words") or [])
        if name in ("collect", "detect") and "--source" not in rest and no_source:
            self.rooms += 1
            faces = int(not any("empty" in word for word in rest))
            given += [
                "--source",
                f"scene:faces={faces},people=5,seed={self.rooms},count={150 if name == 'collect' else 20}",
            ]
        if name == "frame" and rest[0].isdigit():
            given[0] = "scene:faces=1,size=0.4,count=20"
        if name == "notice":
            given = ["scene:faces=1,people=5,count=30" if word == "0" else word for word in given]
            for at in [at for at, word in enumerate(given) if word == "--on"]:
                given[at + 2] = "true"  # the programs of the recipes switch lamps and lock screens
            if "--view" in given:
                given[given.index("--view") + 1] = "none"
        if name in ("detect", "frame") and "--view" not in rest:
            given += ["--view", "none"]
        if name == "train-classifier":
            given += ["--epochs", "1", "--image-size", "64"]
        if name == "evaluate" and "--groups" in rest:
            names = [path.name for path in Path("data").rglob("*.jpg")]
            Path("groups.csv").write_text("photo,light\n" + "".join(f"{one},dark\n" for one in names))
        if name == "learn" and "--instant" not in rest:
            given.append("--instant")
        if name == "train" and "--resume" not in rest:
            given += SHORT_TRAINING
        if "--force" in options and "--force" not in rest and "--resume" not in rest:
            given.append("--force")  # the pages share one workspace
        return given

    def run(self, words: list[str]) -> None:
        self.ran.append(words)
        with without_graph() if words[0].startswith("train") else nullcontext():
            code = cli.app(["--quiet", *words], standalone_mode=False)
        assert not code, f"facetracker {' '.join(words)}: exit code {code}"


def a_run(classifier: bool, name: str | None = None) -> Path:
    """The first run of a tracker or of a classifier; or the classifier of this name."""
    if name is not None:
        return Path("runs") / name
    configs = [path for path in sorted(Path("runs").glob("*/config.yaml")) if (path.parent / "model.keras").is_file()]
    return next(path.parent for path in configs if ("kind: classifier" in path.read_text()) == classifier)


def draw_material() -> None:
    """The files that the pages name: a film, a photo of several people, a folder of photos, people with masks, MNIST's
    files."""
    film = VideoRecorder("party.mp4", 10)
    scene = Scene(320, 240, faces=2, seed=3, fps=10)
    for index in range(60):
        film.write(scene.frame(index).picture, index / 10)
    film.close()
    write_jpeg("photo.jpg", Scene(faces=3, seed=4).frame(0).picture)

    for number in range(6):
        write_jpeg(Path("holiday", f"IMG_{number}.jpg"), Scene(faces=1 + number % 2, seed=number).frame(0).picture)
    for part, first, count in (("train", 0, 16), ("val", 20, 4), ("test", 30, 6)):
        draw_photos(Path("masks", part), count, 7, 240, 180, first, faces=2, masks=True)
    Path("MNIST").mkdir()
    for name in FILES:
        drawn = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
        array = drawn if "idx3" in name else np.arange(20, dtype=np.uint8) % 10
        sides = b"".join(side.to_bytes(4, "big") for side in array.shape)
        Path("MNIST", name).write_bytes(bytes([0, 0, 8, array.ndim]) + sides + array.tobytes())


def label_all(images: Path) -> None:
    """Label every photo as a person would, with the starter in the person's place."""
    starter = Detector()
    for photo in photos_in(images):
        label = label_path(photo)
        if not label.exists():
            picture = read_picture(photo)
            boxes = starter.detect(picture).boxes
            height, width = picture.shape[:2]
            write_labels(label, Example(photo, width, height, boxes, ("face",) * len(boxes)))
