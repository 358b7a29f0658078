"""What a newcomer gets wrong, typed as they type it: one clear line each, exit code 2, and nothing lost."""

from __future__ import annotations

import errno
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from facetracker.cli.main import main
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.core.settings import load_settings
from facetracker.labels.labelme import write_labels
from facetracker.scenes import Scene

HEIC = b"\0\0\0\x18ftypheic" + bytes(16)


def write_data(folder: Path, labels: list[str], days: int = 3) -> Path:
    """Drawn photos with a face each, taken on so many days; the faces have these labels."""
    for number, label in enumerate(labels):
        drawn = Scene(160, 120, faces=1, seed=number, people=5, size=0.8).frame(20 * number)
        stem = f"2026010{number % days + 1}-100000-room_{number + 1:05d}"
        photo = write_jpeg(folder / "images" / f"{stem}.jpg", drawn.picture)
        write_labels(folder / "labels" / f"{stem}.json", Example(photo, 160, 120, drawn.boxes, (label,)))
    return folder


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> Path:
    """Folders and files as newcomers have them."""
    place = tmp_path_factory.mktemp("stock")
    write_data(place / "photos", ["face"] * 6)
    write_data(place / "fcae", ["face"] * 4 + ["fcae"])
    write_data(place / "capital", ["face"] * 2 + ["Face"] * 2)
    write_data(place / "blank", ["face"] * 3 + ["face "])
    write_data(place / "two", ["face"] * 2)
    write_data(place / "one_session", ["face"] * 3, days=1)
    write_data(place / "Fotos von Zoë & Jörg", ["face"] * 3)
    for folder in ("empty", "heic", "films", "runs/half"):
        (place / folder).mkdir(parents=True)
    (place / "heic/IMG_1.HEIC").write_bytes(HEIC)
    (place / "films/holiday.mp4").write_bytes(b"no film")
    (place / "runs/half/config.yaml").write_text("preset: nano\n")
    shutil.copytree(write_data(place / "zero", ["face"] * 3) / "labels", place / "only_labels/labels")
    next((place / "zero/images").glob("*.jpg")).write_bytes(b"")
    other = next((write_data(place / "other", ["face"]) / "labels").glob("*.json"))
    other.write_text(json.dumps({**json.loads(other.read_text()), "imageWidth": 1280, "imageHeight": 720}))
    for name in ("alien.onnx", "alien.tflite.txt", "thesis.txt"):
        (place / name).write_bytes(b"made by another program")
    return place


@pytest.fixture
def here(stock, tmp_path, monkeypatch) -> Path:
    """A copy of them to work in; neither a screen nor a camera is there."""
    shutil.copytree(stock, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def typed(monkeypatch, capfd):
    """Type a command; its exit code and the lines that it showed."""

    def run(*words: str) -> tuple[int, list[str]]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["facetracker", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capfd.readouterr()
        return int(ended.value.code or 0), (shown.out + shown.err).splitlines()

    return run


def content(folder: Path) -> dict[str, bytes | None]:
    """All that lies under a folder, the photos' and label files' bytes included."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


MISTAKES = {
    "wrong word order": ("photos detect", "photos is no command", "facetracker detect photos"),
    "a command misspelt": ("detekt photos", "detekt is no command", "facetracker detect?"),
    "no such command": ("wombat", "facetracker:", "no such command 'wombat'", "facetracker --help"),
    "an unknown option": ("detect photos --thresold 0.5", "no such option --thresold", "--threshold?"),
    "a word missing": ("hide", "facetracker hide:", "missing argument", "facetracker hide --help"),
    "no such file": ("detect nowhere.mp4", "nowhere.mp4: no such file", "A camera is a number"),
    "no camera": ("detect 7", "no camera 7", "scene:"),
    "a camera where a film is wanted": ("hide 0", "0: no such film", "facetracker detect 0 --blur"),
    "no display": ("detect photos --view window", "no window can be opened", "DISPLAY is not set", "--view web"),
    "an empty folder": ("detect empty", "empty: holds no photos", "jpg"),
    "an empty folder to label": ("prelabel empty", "empty: holds no photos", "facetracker collect"),
    "photos of an iPhone": (
        "audit heic",
        "heic: holds only photos that labelme cannot open (HEIC)",
        "collect --source heic",
    ),
    "photos of an iPhone to learn from": ("learn heic", "heic: holds only photos", "collect --source heic"),
    "a folder of nothing but labels": ("learn only_labels", "only_labels: holds 3 label files but no photo", "images/"),
    "nothing but labels to audit": ("audit only_labels", "only_labels: holds 3 label files but no photo", "images/"),
    "a film where a photo folder is wanted": ("learn thesis.txt", "thesis.txt: is a file; a folder of photos"),
    "films where photos are wanted": ("detect films", "films: holds films, no photos", "films/holiday.mp4"),
    "a photo folder where a film is wanted": ("label photos", "photos: is a folder, not a film", "annotate photos"),
    "what is no source": ("detect thesis.txt", "thesis.txt: is neither a film nor a photo", "mp4"),
    "photos in which nobody comes or leaves": ("notice photos", "photos have no time", "facetracker detect photos"),
    "no window for labelme": ("annotate photos", "no display for labelme", "facetracker web"),
    "a file in place of the data folder": ("web --data thesis.txt", "thesis.txt: is a file; a folder"),
    "a folder that is no demo's": ("demo --out photos", "photos: is no folder of a demo", "--out"),
    "what is no film": ("label thesis.txt", "thesis.txt: is not a film that can be read"),
    "neither film nor photo": ("hide thesis.txt", "thesis.txt: is neither a film nor a photo", "mp4"),
    "a letter wrong in a label": (
        "learn fcae",
        '"fcae" (1) for "face" (4)',
        "audit fcae --rename fcae=face",
        "labels.txt",
    ),
    "a capital in a label": ("learn capital", '"Face" (2) for "face" (2)', "--rename Face=face"),
    "a blank in a label": ("learn blank", '"face " (1) for "face" (3)', "--rename 'face =face'"),
    "a label file for another photo": ("learn other", "other: holds no labelled photo", "facetracker audit other"),
    "a model of another program": ("detect alien.onnx photos", "alien.onnx: cannot be loaded", "another program"),
    "what is no model": ("detect --model thesis.txt photos", "thesis.txt: is not a model", ".tflite"),
    "no such model": ("detect --model nowhere photos", "nowhere: no such model", "run folder"),
    "a run that was never finished": (
        "detect runs/half photos",
        "runs/half: is a run that was never finished",
        "--resume",
    ),
    "an existing output": ("detect photos --save thesis.txt", "thesis.txt: is there already", "--force"),
    "a run of that name": ("learn photos --name half", "runs/half: is there already", "--name"),
    "photos that are not split": ("augment photos aug", "photos: is not split", "facetracker split photos"),
    "a folder of photos in place of a model": ("evaluate photos starter", "photos: holds no model", "run folder"),
    "a folder that is somebody's": ("audit photos --out photos", "photos: is no folder of an audit", "--out"),
    "an unknown format": ("export starter --to pdf", "no format is called pdf", "onnx"),
}


@pytest.mark.parametrize(("words", "keys"), [(m[0], m[1:]) for m in MISTAKES.values()], ids=list(MISTAKES))
def test_a_mistake_is_one_clear_line(words, keys, here, typed):
    before = content(here)
    code, lines = typed(*words.split())
    told = [line for line in lines if not line.startswith("read: ")]  # how many photos were read before that
    assert len(told) == 1, lines
    assert code == 2
    for key in keys:
        assert key in told[0]
    assert {path: data for path, data in content(here).items() if path in before} == before


def test_a_part_that_is_not_installed(here, typed, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    code, lines = typed("train", "photos")
    assert (code, len(lines)) == (2, 1)
    assert "needs tensorflow, which is not installed. pip install" in lines[0]
    assert "[train]'" in lines[0]


def test_a_disk_that_is_read_only(here, typed, monkeypatch):
    def refused(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    code, lines = typed("collect", "--source", "scene:", "--folder", "usb/images")
    assert (code, len(lines)) == (2, 1)
    assert "usb/images: cannot be made (Read-only file system). Choose another --folder" in lines[0]


@pytest.fixture
def lost() -> Iterator[str]:
    """The address of a server that has nothing."""

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["film.mp4", "live"])
def test_an_address_that_answers_404(name, lost, here, typed):
    code, lines = typed("detect", f"{lost}/{name}")
    assert (code, len(lines)) == (2, 1)
    assert f"{lost}/{name}: the server answers 404 Not Found. Check the address" in lines[0]


@pytest.mark.parametrize(
    ("folder", "meant"), [("fcae", "fcae=face"), ("capital", "Face=face"), ("blank", "face =face")]
)
def test_no_network_learns_a_slip_as_a_class(folder, meant, here, typed):
    from facetracker.training.photos import read_photos

    with pytest.raises(FaceTrackerError, match=rf"look mistyped: .*--rename '?{meant}"):
        read_photos(here / folder, load_settings("nano"))
    assert typed("split", folder, "--by", "photo")[0] == 0
    code, lines = typed("augment", folder, "aug")
    assert (code, len(lines)) == (2, 1)
    assert meant in lines[0]
    assert not (here / "aug").exists()
    names = {"fcae": ["face", "fcae"], "capital": ["face", "Face"], "blank": ["face", "face "]}[folder]
    asked = load_settings("nano", [f"model.classes={json.dumps(names)}"])
    assert read_photos(here / folder, asked).classes == names  # who says so gets two classes


def test_two_photos_or_one_session_are_told_what_they_lack(here, typed):
    code, lines = typed("split", "two")
    assert code == 0
    assert any("val and test got no photo" in line and "facetracker collect" in line for line in lines)
    code, lines = typed("split", "one_session")
    assert code == 0
    assert any("too few sessions" in line for line in lines)


@pytest.mark.parametrize("command", ["detect", "prelabel", "audit"])
def test_every_file_left_out_is_named_with_its_reason(command, here, typed):
    for name in ("a.CR2", "b.mov", *(f"z{number}.jpg" for number in range(5))):
        (here / "zero/images" / name).write_bytes(b"")
    (here / "zero/images/c.heic").write_bytes(HEIC)
    code, lines = typed(command, "zero/images" if command == "detect" else "zero")
    told = "\n".join(lines)
    assert code == 3
    assert "a.CR2" in told
    assert "b.mov" in told
    assert "c.heic" in told
    if command == "audit":
        assert "3  not looked at" in told
    else:
        empty = 6 if command == "detect" else 5  # the sixth has a label file and needs no second look
        assert f"left out: {empty} files: is empty (" in told
        assert "is a film, not a photo" in told


def test_blanks_and_umlauts_in_names_are_no_mistake(here, typed):
    code, lines = typed("learn", "Fotos von Zoë & Jörg", "--instant", "--name", "Zoë J")
    assert code == 0, lines
    assert (here / "runs/Zoë J/model.tflite").is_file()
