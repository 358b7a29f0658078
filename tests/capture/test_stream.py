"""Streams that stall, go silent, end in garbage, come back; and the thread that keeps only the newest frame."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from films import drain, number_in

from facetracker.capture.source import NewestFrame, open_source
from facetracker.capture.stream import without_password
from facetracker.core.errors import FaceTrackerError


def test_a_stream_is_live_and_its_nonsense_count_is_not_believed(server):
    server.script = lambda send, _: server.paced(send, range(40), 50)
    with open_source(server.address, timeout=20) as source:
        assert source.live
        assert source.count is None
        assert (source.width, source.height) == (160, 120)
        found = [number_in(frame.picture) for frame in itertools.islice(source, 20)]
    assert found == sorted(found)
    assert len(set(found)) == 20


def test_nobody_there_is_said_within_the_time_limit(capfd):
    started = time.monotonic()
    with pytest.raises(FaceTrackerError, match="nobody answers"):
        open_source("http://127.0.0.1:9/stream", timeout=1)
    assert time.monotonic() - started < 20  # FFmpeg's own limit is 30
    assert capfd.readouterr().err == ""


def test_a_server_that_never_sends_a_picture(server):
    server.script = lambda send, _: server.silence()
    started = time.monotonic()
    with pytest.raises(FaceTrackerError, match=r"no stream answers within 1 s"):
        open_source(server.address, timeout=1)
    assert time.monotonic() - started < 20


def test_a_stream_that_falls_silent_is_opened_again(server, capfd):
    def script(send, connection):
        server.paced(send, range(20 * connection, 20 * connection + 20), 100)
        server.silence()

    server.script = script
    with open_source(server.address, timeout=2) as source:
        frames = list(itertools.islice(source, 34))
    found = [number_in(frame.picture) for frame in frames]
    assert found[0] < 10
    assert found[-1] >= 20
    assert server.connections >= 2
    assert [frame.index for frame in frames] == list(range(34))
    assert all(later.time > earlier.time for earlier, later in itertools.pairwise(frames))
    said = capfd.readouterr().err.splitlines()
    assert said[0] == f"warning: {server.address}: the stream stopped, opening it again (1 of 5)"


def test_a_stream_that_ends_for_good_is_an_error_after_its_frames(server, capfd):
    def script(send, connection):
        if connection == 0:
            server.paced(send, range(20), 100)

    server.script = script
    found = []
    with (
        open_source(server.address, timeout=20, reconnects=2) as source,
        pytest.raises(FaceTrackerError, match="did not come back after 2 attempts"),
    ):
        drain(source, found)
    assert len(found) >= 15
    assert capfd.readouterr().err.count("opening it again") == 2


def test_a_stream_that_ends_in_garbage(server):
    def script(send, connection):
        if connection == 0:
            server.paced(send, range(20), 100)
            rng = np.random.default_rng(1)
            for _ in range(30):
                send(rng.integers(0, 255, 3000, np.uint8).tobytes())

    server.script = script
    found = []
    with (
        open_source(server.address, timeout=20, reconnects=1) as source,
        pytest.raises(FaceTrackerError, match="did not come back"),
    ):
        drain(source, found)
    assert len(found) >= 15
    assert found[:15] == list(range(found[0], found[0] + 15))


def test_one_of_several_is_waited_for_however_often_it_falls_silent(server, capfd):
    """It gives ten frames a connection, and is opened more often than a stream that is alone would be."""
    server.script = lambda send, connection: server.paced(send, range(10), 200)
    with open_source(server.address, patient=True) as source:
        source._wait = lambda seconds: None
        frames = list(itertools.islice(source, 70))
    assert server.connections > 6
    assert [frame.index for frame in frames] == list(range(70))
    assert all(later.time > earlier.time for earlier, later in itertools.pairwise(frames))
    said = capfd.readouterr().err.splitlines()
    assert said[0] == f"warning: {server.address}: stopped, trying again until it is back"
    assert said[1].startswith(f"warning: {server.address}: is back, after ")


def test_pauses_grow_up_to_a_second_and_a_half_and_an_hour_is_told_once(capfd, monkeypatch):
    """Nobody is there: an hour in the source's own time."""
    passed, pauses = [0.0], []
    monkeypatch.setattr("facetracker.capture.video.now", lambda: passed[0])
    with open_source("http://127.0.0.1:9/stream", patient=True) as source:

        def wait(seconds):
            pauses.append(seconds)
            passed[0] += seconds
            if passed[0] > 3600:
                source.interrupt()

        source._opened = lambda: None
        source._wait = wait
        assert next(iter(source), None) is None
    assert pauses[:6] == [0.0, 0.5, 1.0, 1.5, 1.5, 1.5]
    assert len(pauses) > 2000
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_film_at_an_address_is_a_film(film, tmp_path):
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=film.parent))
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    try:
        with open_source(f"http://127.0.0.1:{http.server_address[1]}/{film.name}", timeout=2) as source:
            assert not source.live
            assert [number_in(frame.picture) for frame in source] == list(range(50))
    finally:
        http.shutdown()
        http.server_close()


def test_a_password_does_not_show():
    assert without_password("rtsp://me:secret@camera.lan:554/live?x=1") == "rtsp://me:***@camera.lan:554/live?x=1"
    assert without_password("http://camera.lan/live") == "http://camera.lan/live"


def test_the_newest_frame_is_never_old_though_the_reader_is_slow():
    """A reader of 100 ms and a source of 25 frames a second: read in order, the last of 20 is more than 1 s old."""
    ages = []
    with NewestFrame(open_source("scene:live=1,fps=25,count=50,width=64,height=48,faces=0")) as newest:
        for frame in newest:
            ages.append(time.monotonic() - frame.taken)
            time.sleep(0.1)
        assert newest.dropped > 10
    assert len(ages) >= 5
    in_order = []
    with open_source("scene:live=1,fps=25,count=20,width=64,height=48,faces=0") as source:
        for frame in source:
            in_order.append(time.monotonic() - frame.taken)
            time.sleep(0.1)
    assert in_order[-1] > 1.0
    assert np.median(ages) < in_order[-1] / 3


def test_the_newest_frame_of_a_stream(server):
    server.script = lambda send, _: server.paced(send, range(60), 50)
    found = []
    with NewestFrame(open_source(server.address, timeout=20, reconnects=0)) as newest:
        with pytest.raises(FaceTrackerError, match="did not come back"):
            drain(newest, found, pause=0.15)
        assert newest.dropped > 20
    assert found == sorted(found)
    assert found[-1] == 59


def test_an_error_arrives_after_the_last_frame_and_only_once(film, tmp_path):
    from facetracker.capture.video import Camera

    with NewestFrame(Camera(str(film))) as newest:
        newest._thread.join(60)
        assert number_in(newest.get().picture) == 49
        with pytest.raises(FaceTrackerError, match="went away"):
            newest.get()
        assert newest.get() is None


def test_waiting_has_an_end(server):
    def script(send, connection):
        server.paced(send, range(12), 100)
        server.silence()

    server.script = script
    with NewestFrame(open_source(server.address, timeout=10)) as newest:
        with pytest.raises(TimeoutError, match="no frame"):
            drain(iter(lambda: newest.get(timeout=0.5), None), [])
        server.over.set()


def test_closing_ends_the_thread_though_the_stream_is_silent(server):
    def script(send, connection):
        server.paced(send, range(12), 100)
        server.silence()

    server.script = script
    before = threading.active_count()
    newest = NewestFrame(open_source(server.address, timeout=1))
    newest.get(timeout=60)
    started = time.monotonic()
    newest.close()
    assert time.monotonic() - started < 9  # the read's limit is 1 s; `close` itself gives up after 10
    assert not newest._thread.is_alive()
    server.over.set()
    end = time.monotonic() + 30
    while threading.active_count() > before + 1 and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= before + 1


def test_closing_while_frames_come(film):
    newest = NewestFrame(open_source("scene:live=1,width=64,height=48"))
    assert newest.get() is not None
    newest.close()
    assert not newest._thread.is_alive()
    while newest.get() is not None:
        pass
