"""What we write, the labelme that is installed reads, 6 or 7; what it writes back says the same to us.

FACETRACKER_LABELME names another one, say of an environment with Python 3.12.
"""

from __future__ import annotations

import json
import subprocess

import pytest
from labeller import skip_without_labelme

from facetracker import scenes
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import labelme_content, read_content, read_labels, write_content
from facetracker.labels.program import clean_environment, find_labelme
from facetracker.labels.provenance import accepted, how_reviewed, signed, state_of

# labelme is GPL: it runs as a program and is never imported here. Without cv2, whose Qt plugins it would trip over.
SAVED_BY_LABELME = """
import sys
sys.modules["cv2"] = None
import labelme._label_file as files
path = sys.argv[1]
if not hasattr(files, "LabelFile"):  # 7
    read = files.read_label_file(filename=path)
    files.write_label_file(filename=path, annotation=read, image_height=480, image_width=640, save_image_data=False)
else:  # 6
    read = files.LabelFile(path)
    shapes = [{**{key: value for key, value in shape.items() if key != "other_data"}, **shape.get("other_data", {})}
              for shape in read.shapes]
    shapes = [{**shape, "points": [list(map(float, point)) for point in shape["points"]]} for shape in shapes]
    read.save(filename=path, shapes=shapes, image_path=read.imagePath, image_height=480, image_width=640,
              other_data=read.otherData, flags=read.flags)
"""


@pytest.fixture
def saved_by_labelme(tmp_path):
    """Writes a file's content, lets labelme read and save it, and gives what it then holds."""
    skip_without_labelme()
    python = find_labelme()[0]
    if not python.rsplit("/", 1)[-1].startswith("python"):
        pytest.skip("labelme's Python is not known")

    def saved(content: dict) -> dict:
        path = write_content(tmp_path / "labels" / "photo.json", content)
        command = [python, "-c", SAVED_BY_LABELME, str(path)]
        done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return read_content(path)

    return saved


@pytest.fixture
def content(tmp_path) -> dict:
    photo = write_jpeg(tmp_path / "images" / "photo.jpg", scenes.photo(3, 1, faces=1).picture)
    example = Example(photo, 640, 480, [[0.1, 0.2, 0.4, 0.7], [0.5, 0.1, 0.7, 0.4]], ("face", "mask"))
    return labelme_content(tmp_path / "labels" / "photo.json", example)


def test_boxes_and_classes_survive(content, saved_by_labelme, tmp_path):
    before = json.loads(json.dumps(content))
    after = saved_by_labelme(content)
    assert [shape["points"] for shape in after["shapes"]] == [shape["points"] for shape in before["shapes"]]
    assert read_labels(tmp_path / "labels" / "photo.json").labels == ("face", "mask")
    assert how_reviewed(after) == "drawn"


def test_a_machines_mark_survives_until_somebody_saves_and_tells_what_was_accepted(content, saved_by_labelme):
    content = signed({**content, "flags": {}}, prelabelled_by="starter", model="0123")
    after = saved_by_labelme(content)
    assert state_of(after) == "reviewed", "any save in labelme is a person's"
    assert how_reviewed(after) == "accepted"
    assert after["facetracker"]["model"] == "0123"
    after["shapes"][0]["points"][0][0] += 9.0
    assert how_reviewed(saved_by_labelme(after)) == "corrected"


def test_what_the_page_accepted_stays_accepted(content, saved_by_labelme):
    reviewed = accepted(signed({**content, "flags": {}}, prelabelled_by="starter"))
    assert how_reviewed(reviewed) == how_reviewed(saved_by_labelme(reviewed)) == "accepted"
