from pathlib import Path

import pytest

from facetracker.core.example import Example


def test_a_sample_without_faces_has_empty_boxes():
    sample = Example(Path("images/a.b.jpg"), 640, 480)
    assert sample.boxes.shape == (0, 4)
    assert sample.stem == "a.b"
    assert len(sample) == 0


def test_every_box_has_a_label():
    with pytest.raises(ValueError, match="1 boxes but 0 labels"):
        Example(Path("a.jpg"), 640, 480, [[0, 0, 1, 1]])
