"""tf.train.Example and TFRecord without TensorFlow, held against TensorFlow itself."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetracker.core.boxes import as_boxes, empty
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_json
from facetracker.core.install import install_command
from facetracker.labels.records import Record, decode_record, records_in, shards_in
from facetracker.labels.tfrecord import decode_example, encode_example, frame, read_records

RECORD = Record(
    "a.0.jpg",
    "ä.jpg",
    b"\xff\xd8" * 200,
    450,
    300,
    as_boxes([[0, 0.25, 0.5, 1], [0.1, 0.2, 0.3, 0.4]]),
    ("face", "mask"),
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.one_of(
            st.lists(st.binary(max_size=300), max_size=3),
            st.lists(st.floats(width=32, allow_nan=False), max_size=5).map(lambda v: np.array(v, np.float32)),
            st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5).map(lambda v: np.array(v, np.int64)),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read_again(features):
    read = decode_example(encode_example(features))
    assert set(read) == set(features)
    for name, value in features.items():
        assert list(read[name]) == list(value)


def test_tensorflow_reads_our_examples_and_files(tmp_path):
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame(RECORD.encode()) + frame(b"") + frame(b"x" * 100_000))
    messages = [message.numpy() for message in tf.data.TFRecordDataset(str(path))]
    assert [len(message) for message in messages[1:]] == [0, 100_000]
    example = tf.train.Example.FromString(messages[0]).features.feature
    assert example["image/encoded"].bytes_list.value == [RECORD.jpeg]
    assert example["image/width"].int64_list.value == [450]
    assert example["image/object/class/text"].bytes_list.value == [b"face", b"mask"]
    np.testing.assert_allclose(example["image/object/bbox/ymin"].float_list.value, [0.25, 0.2])


def test_we_read_what_tensorflow_writes(tmp_path):
    tf = pytest.importorskip("tensorflow")
    feature = {
        "b": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x", b""])),
        "f": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, -2])),
        "i": tf.train.Feature(int64_list=tf.train.Int64List(value=[-1, 7, 2**40])),
        "none": tf.train.Feature(),
    }
    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    (message,) = read_records(path)
    read = decode_example(message)
    assert read["b"] == [b"x", b""]
    assert list(read["f"]) == [1.5, -2]
    assert list(read["i"]) == [-1, 7, 2**40]
    assert list(read["none"]) == []


@pytest.mark.parametrize("boxes", [RECORD.boxes, empty()])
def test_a_record_comes_back_whole(boxes):
    record = Record("a.0.jpg", "a.jpg", b"jpeg", 3, 4, boxes, ("face",) * len(boxes))
    read = decode_record(record.encode())
    assert (read.boxes == boxes).all()
    assert read.boxes.shape == boxes.shape
    assert (read.name, read.image, read.jpeg, read.width, read.height, read.labels) == (
        "a.0.jpg",
        "a.jpg",
        b"jpeg",
        3,
        4,
        record.labels,
    )


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_a_flipped_bit_is_found(tmp_path, place):
    data = bytearray(frame(RECORD.encode()))
    data[place * len(data) // 40] ^= 4
    path = tmp_path / "a.tfrecord"
    path.write_bytes(data)
    with pytest.raises(BadFile, match=r"a\.tfrecord"):
        list(read_records(path))


@pytest.mark.parametrize("kept", [5, 12, 100])
def test_a_truncated_file_is_found(tmp_path, kept):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame(RECORD.encode())[:kept])
    with pytest.raises(BadFile):
        list(read_records(path))


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_bytes_that_are_no_example_are_a_bad_file(data):
    with contextlib.suppress(BadFile):
        decode_record(data)


def test_a_shard_of_something_else_is_named(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame(encode_example({"x": [b"y"]})))
    with pytest.raises(BadFile, match=r"a\.tfrecord"):
        list(records_in(path))


def test_a_shard_that_the_index_names_must_be_there(tmp_path):
    write_json(tmp_path / "train" / "index.json", {"shards": [{"file": "train-00000-of-00001.tfrecord"}]})
    with pytest.raises(FaceTrackerError, match="missing"):
        shards_in(tmp_path, "train")


def test_photos_are_read_without_what_records_need(tmp_path):
    """`learn --instant`, `convert` and the page work where the extra `train` is not installed."""
    code = (
        "import sys; sys.modules['google_crc32c'] = sys.modules['google.protobuf'] = None\n"
        "import facetracker.labels.formats.convert, facetracker.personal.photos, facetracker.web.paths\n"
        "from facetracker.labels.records import records_in\n"
        "try:\n    list(records_in('a.tfrecord'))\n"
        "except Exception as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(install_command("train"))
