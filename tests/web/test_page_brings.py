"""Bringing one's own photos in a real browser: chosen or dropped; photos into the bin and back; classes."""

from __future__ import annotations

import io
import zipfile

import pytest
from browser import needs_browser, opened_browser, opened_page, wait_until

from facetracker.labels.labelme import read_content

pytestmark = needs_browser

DROP = """([view, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const at = document.getElementById(view);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    at.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as browser:
        yield browser


def progress(page, text: str) -> None:
    wait_until(page, f"document.getElementById('label-progress').textContent === {text!r}")


def test_an_empty_page_takes_photos_zips_and_films_and_says_what_it_left_out(browser, served, frames, film):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for number in (1, 2):
            archive.writestr(f"trip/zip{number}.jpg", frames[number])
    with opened_page(browser, served.address, "#label") as page:
        page.locator("#label-choose").wait_for()
        files = [("one.jpg", "image/jpeg", frames[0]), ("all.zip", "application/zip", memory.getvalue())]
        files += [("clip.mp4", "video/mp4", film), ("cut.mp4", "video/mp4", b"no film")]
        files += [("notes.txt", "text/plain", b"text")]
        page.set_input_files(
            "#bring-files", [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
        )
        progress(page, "0 of 3 reviewed")
        told = page.inner_text("#toasts")
        assert "Brought: 3 photos." in told
        assert "facetracker label films/clip.mp4" in told
        assert "notes.txt" in told
        assert "cut.mp4: is not a film that can be read" in told
        page.expected_faults = 2
    assert sorted(path.name for path in (served.data / "images").iterdir()) == ["one.jpg", "zip1.jpg", "zip2.jpg"]
    assert [path.name for path in (served.data / "films").iterdir()] == ["clip.mp4"]
    assert (served.data / "films" / "clip.mp4").read_bytes() == film


def test_a_photo_dropped_on_collect_is_opened_for_labelling(browser, served, frames):
    import base64

    with opened_page(browser, served.address, "#collect") as page:
        page.locator("#collect-choose").wait_for()
        page.evaluate(DROP, ["view-collect", "mine.jpg", "image/jpeg", base64.b64encode(frames[3]).decode()])
        page.locator("#label-easel image").wait_for()
        wait_until(page, "document.getElementById('label-name').textContent.startsWith('mine')")
    assert (served.data / "images" / "mine.jpg").read_bytes() == frames[3]


def test_a_photo_in_the_bin_comes_back_and_a_class_gets_another_name(browser, served, frames):
    for number in range(2):
        path = served.data / "images" / f"p{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(frames[number])
    with opened_page(browser, served.address, "#label") as page:
        page.locator("#label-easel image").wait_for()
        progress(page, "0 of 2 reviewed")
        page.keyboard.press("Shift+Delete")
        progress(page, "0 of 1 reviewed")
        assert len(list((served.data / "images").iterdir())) == 1
        page.keyboard.press("Control+z")
        progress(page, "0 of 2 reviewed")
        assert len(list((served.data / "images").iterdir())) == 2
        page.click("#label-class-add")
        page.fill("#class-name", "mask")
        page.keyboard.press("Enter")
        page.locator("#label-classes [data-label=mask][aria-checked=true]").wait_for()
        page.locator("#label-easel").focus()
        page.keyboard.press("b")
        progress(page, "1 of 2 reviewed")
        page.dblclick("#label-classes [data-label=mask]")
        page.fill("#class-name", "face mask")
        page.click("#class-dialog button[value=save]")
        page.locator("#label-classes [data-label='face mask']").wait_for()
    (label,) = (served.data / "labels").iterdir()
    assert "face mask" in {shape["label"] for shape in read_content(label)["shapes"]}
    assert (served.data / "labels.txt").read_text() == "face\nface mask\n"
