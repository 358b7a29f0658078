"""What is drawn, and what is hidden."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facetracker.capture.source import Frame
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.inference.draw import FACE, GREEN, ORANGE, POINT, RED, Overlay, bgr, class_colour
from facetracker.inference.hiding.cover import hidden_by, hide_faces
from facetracker.inference.live.render import Renderer
from facetracker.inference.recording.crops import CropFolder, widened
from facetracker.inference.recording.outputs import HardFrames
from facetracker.inference.tracking.watch import Seen

SIZE = 320, 240


def faces_at(*boxes, names=None, ids=True, coasting=False):
    count = len(boxes)
    return Faces.from_pixels(
        np.reshape(boxes, (-1, 4)),
        *SIZE,
        scores=np.full(count, 0.9),
        classes=np.arange(count),
        names=names or ["face"] * count,
        ids=np.arange(1, count + 1) if ids else None,
        coasting=np.full(count, coasting),
    )


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("mask", GREEN), ("with_mask", GREEN), ("Mask", GREEN), ("no_mask", RED), ("without_mask", RED),
        ("NoMask", RED), ("Non_Mask", RED), ("mask_weared_incorrect", ORANGE),
    ],
)  # fmt: skip
def test_a_mask_is_green_and_none_is_red(name, colour):
    assert class_colour(name) == colour


def test_every_class_has_its_colour():
    assert len({class_colour(f"person{number}", number) for number in range(6)}) == 6


def test_boxes_labels_and_trails_are_drawn_in_the_class_colour():
    renderer = Renderer(["mask", "no_mask"])
    frame = np.full((240, 320, 3), 128, np.uint8)
    for step in range(10):
        faces = faces_at((40 + 5 * step, 60, 100 + 5 * step, 140), (200, 60, 260, 140), names=["mask", "no_mask"])
        shown = renderer.render(frame, faces)
    assert (frame == 128).all()
    left, right = shown[:, :160], shown[:, 160:]
    for half, mine, other in ((left, GREEN, RED), (right, RED, GREEN)):
        assert (half == bgr(mine)).all(axis=2).sum() > 200
        assert (half == bgr(other)).all(axis=2).sum() == 0
    trail = shown[97:103, 75:110]  # from the first centres to the last; inside the box nothing else is drawn
    assert (trail == bgr(GREEN)).all(axis=2).any()
    assert tuple(shown[61, 86]) != bgr(GREEN) or tuple(shown[62, 86]) != bgr(GREEN)  # the corner is rounded


def test_texts_say_number_class_and_score():
    overlay = Overlay(["with_mask", "no_mask"], 320, 240)
    faces = faces_at((0, 0, 9, 9), (20, 0, 29, 9), names=["with_mask", "no_mask"])
    assert overlay.texts(faces) == ["#1 with mask 0.90", "#2 no mask 0.90"]
    one = Overlay(["face"], 320, 240)
    assert one.texts(faces_at((0, 0, 9, 9))) == ["#1 0.90"]
    assert one.texts(faces_at((0, 0, 9, 9), coasting=True)) == ["#1"]
    assert one.texts(faces_at((0, 0, 9, 9), ids=False)) == ["0.90"]


def test_a_mirrored_view_has_mirrored_boxes_and_upright_text():
    frame = np.zeros((240, 320, 3), np.uint8)
    cv2.rectangle(frame, (40, 60), (100, 140), (255, 255, 255), -1)
    faces = faces_at((40, 60, 100, 140))
    shown = Renderer(["face"]).render(frame, faces, mirror=True)
    assert shown[100, 250].min() == 255
    assert shown[100, 70].max() == 0


def test_status_and_help_are_written_into_any_size():
    for height, width in ((60, 80), (240, 320), (1080, 1920)):
        frame = np.full((height, width, 3), 90, np.uint8)
        plain = Renderer(["face"]).render(frame, Faces.none(width, height))
        assert (plain == frame).all()
        status = Renderer(["face"]).render(frame, Faces.none(width, height), status=["30 frames/s", ""])
        assert (status[: height // 4, : width // 2] != 90).any()
        assert (status[height // 2 :] == 90).all()
        helped = Renderer(["face"]).render(frame, Faces.none(width, height), help=True)
        assert (helped[height // 2, width // 2 - 5 : width // 2 + 5] != 90).any()


@pytest.mark.parametrize("how", ["blur", "pixelate"])
def test_a_hidden_face_keeps_no_detail_and_the_rest_is_untouched(how):
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (240, 320, 3), np.uint8)
    before = picture.copy()
    hide_faces(picture, faces_at((100, 60, 180, 160)), how)
    inside, outside = np.s_[65:155, 105:175], np.s_[:, :80]
    assert (picture[outside] == before[outside]).all()
    detail = [np.abs(np.diff(one[inside].astype(int), axis=1)).mean() for one in (before, picture)]
    assert detail[1] < 0.05 * detail[0]
    assert (picture[55, 100:180] != before[55, 100:180]).any()  # hair above the box as well
    hide_faces(picture, faces_at())
    hide_faces(picture, faces_at((-50, -50, -10, -10), (310, 230, 400, 300)), how)


def test_only_one_way_of_hiding():
    assert hidden_by(True, False) == "blur"
    assert hidden_by(False, True) == "pixelate"
    assert hidden_by(False, False) is None
    with pytest.raises(FaceTrackerError, match="exclude"):
        hidden_by(True, True)


def seen_at(time, faces, doubt="", path=None):
    return Seen(Frame(np.full((100, 200, 3), 77, np.uint8), round(time * 30), time, time, path), faces, doubt=doubt)


def test_crops_of_a_film_come_once_a_second_and_face(tmp_path):
    crops = CropFolder(tmp_path / "crops", "film")
    for index in range(45):
        crops.take(seen_at(index / 30, faces_at((10, 10, 50, 50), (100, 20, 180, 90))))
    names = sorted(path.name for path in (tmp_path / "crops").iterdir())
    assert names == ["film-000000-id1.jpg", "film-000000-id2.jpg", "film-000030-id1.jpg", "film-000030-id2.jpg"]
    assert cv2.imread(str(tmp_path / "crops" / names[0])).shape == (52, 52, 3)  # a margin of 15 % on each side
    crops.take(seen_at(9, faces_at((10, 10, 50, 50), coasting=True)))
    crops.take(seen_at(10, faces_at((-60, 10, -20, 50))))
    assert crops.count == 4
    with pytest.raises(FaceTrackerError, match="there already"):
        CropFolder(tmp_path / "crops", "film").take(seen_at(0, faces_at((10, 10, 50, 50))))


def test_crops_of_photos_are_named_after_them(tmp_path):
    crops = CropFolder(tmp_path)
    crops.take(seen_at(0, faces_at((10, 10, 50, 50), (100, 20, 180, 90), ids=False), path=tmp_path / "anna.jpg"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anna-face0.jpg", "anna-face1.jpg"]
    assert widened(np.array([[0, 0, 10, 10]]), 0.5, 12, 12).tolist() == [[0, 0, 12, 12]]


def test_hard_frames_are_saved_at_most_once_a_second_as_they_were(tmp_path):
    hard = HardFrames(tmp_path, session="20261121-120000-test")
    for index in range(61):
        hard.take(seen_at(index / 30, faces_at((10, 10, 50, 50)), doubt="score in doubt" if index > 5 else ""))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["20261121-120000-test_00001.jpg", "20261121-120000-test_00002.jpg"]
    assert (cv2.imread(str(tmp_path / names[0])) == 77).all()
    assert hard.take(seen_at(9, faces_at())) is None


def test_landmarks_are_marked_where_asked_for_and_never_on_a_hidden_face():
    faces = replace(faces_at((60, 60, 160, 180)), landmarks=np.full((1, 5, 2), 0.35))
    empty = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    spot = round(0.35 * SIZE[1]), round(0.35 * SIZE[0])
    shown = Renderer(["face"], landmarks=True)
    assert tuple(shown.render(empty, faces)[spot]) == POINT
    assert not shown.render(empty, faces, hidden="blur")[spot].any()
    assert not Renderer(["face"]).render(empty, faces)[spot].any()


def test_a_label_is_never_cut_off():
    """Above the box, or inside where there is no room; moved in from the side."""
    overlay = Overlay(["face"], *SIZE)
    for corner in ((0, 0), (300, 0), (0, 200), (290, 100)):
        picture = np.zeros((240, 320, 3), np.uint8)
        faces = faces_at((corner[0], corner[1], corner[0] + 20, corner[1] + 30))
        overlay.faces(picture, faces)
        plate = (picture == bgr(FACE)).all(axis=2)
        rows, columns = np.nonzero(plate)
        assert columns.max() - columns.min() > 40  # wider than the box of 20: the whole plate is there
        assert rows.min() >= 0
        overlay.forget()


def test_a_trail_has_thirty_frames_and_ends_with_the_mirror():
    overlay = Overlay(["face"], *SIZE)
    for step in range(50):
        overlay.faces(np.zeros((240, 320, 3), np.uint8), faces_at((step, 100, step + 20, 120)))
    assert [len(trail) for trail in overlay._trails.values()] == [30]
    overlay.forget()
    assert not overlay._trails
