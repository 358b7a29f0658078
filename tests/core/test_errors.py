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
