"""Files that people bring, the bin, and the names of classes: what is safe lands where it belongs, nothing is lost."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from facetracker.labels.labelme import read_content
from facetracker.web import bringing

SHAPE = {"label": "face", "shape_type": "rectangle", "points": [[10, 10], [200, 200]]}


def bring(page, name: str, data: bytes, part: int = 4_000_000):
    """Bring a file as the page does, part by part; the last answer."""
    ticket, at = "", 0
    while True:
        piece = data[at : at + part]
        query = {"name": name, "size": len(data), "at": at, "ticket": ticket}
        answer = page.post("/api/bring", params=query, content=piece)
        at += len(piece)
        if answer.status_code != 200 or at >= len(data):
            return answer
        ticket = answer.json()["ticket"]


def zipped(files: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return memory.getvalue()


def images(served) -> list[str]:
    return sorted(path.name for path in (served.data / "images").iterdir())


def test_photos_come_in_parts_and_stay_what_they_are(served, frames):
    with served.client() as page:
        answer = bring(page, "Holiday in Rome (1).JPG", frames[0], part=10_000).json()
        again = bring(page, "other.jpg", frames[0]).json()
        double = bring(page, "Holiday in Rome (1).png", frames[1]).json()
        assert [photo["name"] for photo in page.get("/api/photos").json()["photos"]] == [
            "Holiday_in_Rome_1",
            "Holiday_in_Rome_1-2",
        ]
    assert answer["photos"] == ["Holiday_in_Rome_1"]
    assert (again["photos"], again["known"]) == ([], 1), "the same photo is not taken twice"
    assert double["photos"] == ["Holiday_in_Rome_1-2"], "two photos with one stem would share a label file"
    assert (served.data / "images" / "Holiday_in_Rome_1.jpg").read_bytes() == frames[0]
    assert not (served.data / ".brought").exists()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("photo.jpg", b"no photo"),
        ("photo.jpg", b"\xff\xd8\xff\xe0 cut"),
        ("notes.txt", b"text"),
        ("photo.exe.jpg", b"MZ"),
        ("photos.zip", b"no zip"),
        ("photos.zip", zipped({"notes.txt": b"text"})),
        ("labels.json", b"{}"),
        ("labels.json", json.dumps({"shapes": [SHAPE]}).encode()),  # its photo is not there
    ],
)
def test_what_cannot_be_labelled_is_refused_and_leaves_nothing(served, name, data):
    with served.client() as page:
        answer = bring(page, name, data)
    assert answer.status_code == 400
    assert answer.json()["error"]
    left = [path for path in served.data.rglob("*") if path.is_file()] if served.data.exists() else []
    assert left == []


@pytest.mark.parametrize(
    "name", ["../../evil.jpg", "..\\..\\evil.jpg", "/etc/evil.jpg", ".evil.jpg", "a\0evil.jpg", "ä" * 300 + ".jpg"]
)
def test_no_name_leads_out_of_the_folder(served, frames, name):
    with served.client() as page:
        assert bring(page, name, frames[0]).status_code == 200
    (path,) = [path for path in served.data.parent.rglob("*") if path.is_file()]
    assert path.parent == served.data / "images"
    assert not path.name.startswith(".")
    assert len(path.name) < 100


def test_a_zip_brings_photos_and_labelmes_files_of_any_folder(served, frames):
    label = json.dumps(
        {"shapes": [SHAPE], "imagePath": "..\\x.jpg", "imageData": "AAAA", "imageWidth": 640, "imageHeight": 480}
    )
    files = {
        "one/labels/a.json": label.encode(),  # before its photo
        "one/images/a.jpg": frames[0],
        "two/b.png": frames[1],
        "two/broken.jpg": b"no photo",
        "__MACOSX/._a.jpg": b"rubbish",
        "two/readme.txt": b"text",
        "../../c.jpg": frames[2],
    }
    with served.client() as page:
        told = bring(page, "all.zip", zipped(files), part=50_000).json()
        assert page.get("/api/photos/a/label").json()["state"] == "reviewed"
    assert sorted(told["photos"]) == ["a", "b", "c"]
    assert (told["labels"], told["left_out_count"]) == (1, 1)
    assert told["left_out"][0]["name"] == "two/broken.jpg"
    assert images(served) == ["a.jpg", "b.png", "c.jpg"]
    content = read_content(served.data / "labels" / "a.json")
    assert (content["imagePath"], content["imageData"]) == ("../images/a.jpg", None)
    assert not (served.data.parent / "c.jpg").exists()


def test_a_zip_that_unpacks_to_far_more_than_it_is_is_refused(served):
    with served.client() as page:
        answer = bring(page, "bomb.zip", zipped({f"{number}.jpg": bytes(20_000_000) for number in range(3)}))
    assert answer.status_code == 400
    assert not (served.data / "images").exists() or images(served) == []


def test_a_film_lies_in_films_as_it_is(served, film):
    with served.client() as page:
        told = bring(page, "clip.mp4", film, part=2000).json()
        second = bring(page, "clip.mp4", film).json()
        broken = bring(page, "cut.mp4", b"no film")
    assert (told["films"], second["films"]) == (["clip.mp4"], ["clip-2.mp4"])
    assert (served.data / "films" / "clip.mp4").read_bytes() == film
    assert broken.status_code == 400
    assert "cut.mp4: is not a film that can be read" in broken.text
    assert not (served.data / "films" / "cut.mp4").exists()


def test_parts_must_fit_together(served, frames):
    data = frames[0]

    def part(**query):
        return page.post("/api/bring", params={"name": "a.jpg", "size": len(data), **query}, content=data[:1000])

    with served.client() as page:
        ticket = part(at=0).json()["ticket"]
        assert part(at=5000, ticket=ticket).status_code == 400, "a part is missing"
        assert part(at=1000, ticket="../../x").status_code == 400
        assert part(at=1000, ticket="0" * 16).status_code == 400
        assert part(at=-1).status_code == 400
        assert part(at=len(data) - 10, ticket=ticket).status_code == 400, "longer than the file"
        for _ in range(bringing.MOST_COMING - 1):
            assert part(at=0).status_code == 200
        assert "too many" in part(at=0).json()["error"]
        assert (
            page.post("/api/bring", params={"name": "a.jpg", "size": 10**12, "at": 0}, content=b"x").status_code == 400
        )


def test_a_folder_that_labelme_filled_stays_one_folder(serve, tmp_path, frames):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old.jpg").write_bytes(frames[0])
    served = serve(tmp_path)
    with served.client() as page:
        bring(page, "new.jpg", frames[1])
        assert [photo["name"] for photo in page.get("/api/photos").json()["photos"]] == ["new", "old"]
    assert not (served.data / "images").exists()


def test_a_photo_goes_into_the_bin_with_its_labels_and_comes_back(served, frames):
    with served.client() as page:
        for name in ("a", "b"):
            bring(page, f"{name}.jpg", frames["ab".index(name)])
        wish = {"shapes": [{"label": "face", "box": [10, 10, 200, 200]}]}
        page.put("/api/photos/a/label", json=wish, headers={"If-None-Match": "*"})
        before = (served.data / "labels" / "a.json").read_bytes()
        ticket = page.delete("/api/photos/a").json()["ticket"]
        assert [photo["name"] for photo in page.get("/api/photos").json()["photos"]] == ["b"]
        assert page.get("/api/learner").json()["lessons"] == 0
        assert (served.data / "bin" / ticket / "images" / "a.jpg").read_bytes() == frames[0]
        assert page.delete("/api/photos/a").status_code == 404
        assert page.post(f"/api/bin/{ticket}").json() == {"name": "a"}
        assert page.post(f"/api/bin/{ticket}").status_code == 404
        assert (served.data / "labels" / "a.json").read_bytes() == before
        again = page.delete("/api/photos/a").json()["ticket"]
        bring(page, "a.jpg", frames[2])
        assert page.post(f"/api/bin/{again}").status_code == 400, "another photo has its place: none is overwritten"
        assert page.post("/api/bin/..%2f..%2fimages").status_code == 404
    assert (served.data / "images" / "a.jpg").read_bytes() == frames[2]


def test_classes_are_added_and_renamed_everywhere(served, frames):
    with served.client() as page:
        for number, name in enumerate("abc"):
            bring(page, f"{name}.jpg", frames[number])
        wish = {"shapes": [{"label": "fase", "box": [10, 10, 200, 200]}, {"label": "mask", "box": [300, 10, 400, 200]}]}
        page.put("/api/photos/a/label", json=wish, headers={"If-None-Match": "*"})
        assert page.post("/api/classes", json={"name": "cap"}).json()["classes"] == ["fase", "mask", "cap"]
        told = page.post("/api/classes", json={"name": "face", "rename": "fase"}).json()
        assert told == {"classes": ["face", "mask", "cap"], "changed": 1}
        assert [shape["label"] for shape in page.get("/api/photos/a/label").json()["shapes"]] == ["face", "mask"]
        page.post("/api/prelabel", json={"names": ["b"]})
        page.post("/api/classes", json={"name": "head", "rename": "face"})
        states = {photo["name"]: photo["state"] for photo in page.get("/api/photos").json()["photos"]}
        assert states == {"a": "reviewed", "b": "prelabelled", "c": "unlabelled"}, "a new name is no review"
        for bad in ({"name": ""}, {"name": "a\nb"}, {"name": "x" * 99}, {"name": 3}, {"name": "mask"}, {}):
            assert page.post("/api/classes", json=bad).status_code == 400
        assert page.post("/api/classes", json={"name": "x", "rename": "nothing"}).status_code == 404
    assert (served.data / "labels.txt").read_text() == "head\nmask\ncap\n"
