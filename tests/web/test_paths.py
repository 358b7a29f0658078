"""No name from a client leads out of its folder: hypothesis tries names, links and trees."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from facetracker.web.paths import NotThere, PhotoIndex, Place, file_of, inside, run_folder

SECRET = b"\xff\xd8 the secret of another folder \xff\xd9"

parts = some.sampled_from(
    ["..", ".", "", "images", "labels", "outside", "secret", "secret.jpg", "in", "~", "C:", "\x00", "%2e%2e", "a" * 300]
)
paths = some.lists(parts, max_size=6).map("/".join)
names = some.one_of(paths, paths.map(lambda path: path.replace("/", "\\")), some.text(max_size=30))


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A data folder with photos, and links that lead out of it in every way; the secret lies outside."""
    root = tmp_path_factory.mktemp("tree")
    outside, data = root / "outside", root / "data"
    (outside / "images").mkdir(parents=True)
    for name in ("secret.jpg", "secret.json", "images/secret.jpg"):
        (outside / name).write_bytes(SECRET)
    (data / "images").mkdir(parents=True)
    (data / "labels").mkdir()
    for name in ("own", "labelled-outside", "new"):
        (data / "images" / f"{name}.jpg").write_bytes(b"own")
    (data / "images" / "secret.jpg").symlink_to(outside / "secret.jpg")
    (data / "images" / "relative.jpg").symlink_to("../../outside/secret.jpg")
    (data / "images" / "twice.jpg").symlink_to("relative.jpg")
    (data / "images" / "inner.jpg").symlink_to("own.jpg")
    (data / "images" / "circle.jpg").symlink_to("circle.jpg")
    (data / "images" / "folder.jpg").symlink_to(outside, target_is_directory=True)
    (data / "labels" / "labelled-outside.json").symlink_to(outside / "secret.json")
    (root / "runs" / "mine").mkdir(parents=True)
    (root / "runs" / "mine" / "config.yaml").write_text("preset: nano\n")
    (root / "runs" / "mine" / "curves.png").symlink_to(outside / "secret.jpg")
    (root / "runs" / "away").symlink_to(outside, target_is_directory=True)
    (outside / "config.yaml").write_text("preset: nano\n")
    return root


@pytest.fixture(scope="module")
def index(tree) -> PhotoIndex:
    return PhotoIndex(tree / "data")


def test_links_that_stay_inside_are_photos_and_those_that_lead_out_are_not(tree):
    assert list(PhotoIndex(tree / "data").entries()) == ["inner", "new", "own"]


@settings(max_examples=200, deadline=None)
@given(name=names)
def test_a_name_finds_a_photo_inside_or_nothing(tree, index, name):
    data = tree / "data"
    try:
        entry = index.find(name)
    except NotThere:
        return
    assert name in ("inner", "new", "own")
    for path in (entry.photo, entry.label):
        assert path.resolve().is_relative_to(data.resolve())


@settings(max_examples=200, deadline=None)
@given(run=names, name=names)
def test_a_run_and_its_file_are_inside_or_nothing(tree, run, name):
    place = Place(tree / "data", tree / "runs", tree / "aug_data")
    try:
        path = file_of(run_folder(place, run), name)
    except NotThere:
        return
    assert path == (tree / "runs" / "mine" / "config.yaml").resolve()


@settings(max_examples=100, deadline=None)
@given(path=paths)
def test_inside_follows_every_link_and_refuses_what_leaves(tree, path):
    data = tree / "data"
    try:
        real = inside(data, Path(f"{data}/{path}"))
    except NotThere:
        return
    assert os.path.realpath(f"{data}/{path}") == str(real)
    assert os.path.commonpath([real, data.resolve()]) == str(data.resolve())


@pytest.mark.parametrize("name", ["away", "mine/../mine", "..", ".", "", "mine/", "-x", "m\x00ine", "MINE2"])
def test_a_run_that_is_elsewhere_is_not_there(tree, name):
    with pytest.raises(NotThere):
        run_folder(Place(tree / "data", tree / "runs", tree / "aug_data"), name)


def test_a_photo_that_becomes_a_link_after_it_was_listed_is_not_served(tree, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    photo = images / "a.jpg"
    photo.write_bytes(b"own")
    index = PhotoIndex(tmp_path)
    stamp = os.stat(images).st_mtime_ns
    assert index.find("a").photo == photo
    photo.unlink()
    photo.symlink_to(tree / "outside" / "secret.jpg")
    os.utime(images, ns=(stamp, stamp))  # the index does not notice: the second guard has to
    with pytest.raises(NotThere):
        index.find("a")


@pytest.mark.parametrize("folder", ["images", "labels"])
def test_a_whole_folder_that_leads_out_is_not_there(tree, tmp_path, folder):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"own")
    if folder == "images":
        (tmp_path / "images").rename(tmp_path / "elsewhere")
    (tmp_path / folder).symlink_to(tree / "outside" / "images", target_is_directory=True)
    assert PhotoIndex(tmp_path).entries() == {}


@settings(max_examples=30, deadline=None)
@given(name=names, where=some.sampled_from(["/api/photos/{}/image", "/api/photos/{}/label", "/static/{}"]))
def test_no_address_gives_the_secret(served_tree, name, where):
    page = served_tree
    answer = page.get(where.format(quote(name, safe="")))
    assert SECRET not in answer.content
    answer = page.get(where.format(quote(name, safe="/%")))
    assert SECRET not in answer.content


@pytest.fixture(scope="module")
def served_tree(tree, serve):
    with serve(tree).client() as page:
        yield page


def test_labels_are_not_written_through_a_link(served_tree, tree):
    wish = {"shapes": [{"label": "face", "box": [0, 0, 9, 9]}]}
    for name in ("labelled-outside", "secret", "folder", "..%2foutside%2fsecret"):
        answer = served_tree.put(f"/api/photos/{name}/label", json=wish, headers={"If-None-Match": "*"})
        assert answer.status_code == 404
    assert (tree / "outside" / "secret.json").read_bytes() == SECRET
    assert sorted(path.name for path in (tree / "data" / "labels").iterdir()) == ["labelled-outside.json"]
