import pickle

from facetracker.core.errors import BadFile, FaceTrackerError, Rejects


def test_the_line_names_file_fault_and_way_out():
    error = FaceTrackerError("is\n  broken.", path="a.jpg", fix="Take it again.")
    assert str(error) == "a.jpg: is broken. Take it again."


def test_an_error_survives_the_way_out_of_a_worker_process():
    error = pickle.loads(pickle.dumps(BadFile("is empty", path="a.jpg", fix="Copy it.")))
    assert type(error) is BadFile
    assert str(error) == "a.jpg: is empty. Copy it."


def test_rejects_are_sorted_and_set_the_exit_code():
    rejects = Rejects()
    assert rejects.exit_code == 0
    rejects.add("b.jpg", "is empty")
    rejects.add("a.jpg", BadFile("is truncated", path="a.jpg", fix="Copy it."))
    assert rejects.as_text() == "a.jpg\tis truncated\nb.jpg\tis empty\n"
    assert (len(rejects), rejects.exit_code) == (2, 3)


def test_many_files_left_out_for_one_reason_are_counted():
    rejects = Rejects()
    for number in range(1200):
        rejects.add(f"z{number:04d}.jpg", "is empty")
    rejects.add("b.mov", "is a film")
    rejects.add("a.mov", "is a film")
    assert rejects.lines() == [
        "left out: a.mov: is a film",
        "left out: b.mov: is a film",
        "left out: 1,200 files: is empty (z0000.jpg, z0001.jpg, z0002.jpg ...)",
    ]


def test_an_address_keeps_its_slashes():
    error = FaceTrackerError("answers 404", path="https://here/film.mp4")
    assert str(error) == "https://here/film.mp4: answers 404"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
