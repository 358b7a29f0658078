"""Which labels are slips of others, and which are classes of their own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.labels.classes import refuse_slips, right_name


@pytest.mark.parametrize(
    ("counts", "slips"),
    [
        ({"face": 9, "fcae": 1}, {"fcae": "face"}),  # two letters swapped
        ({"face": 9, "fae": 3}, {"fae": "face"}),  # one missing
        ({"face": 9, "faces": 2}, {"faces": "face"}),
        ({"face": 9, "Face": 9, " face": 8}, {"Face": "face", " face": "face"}),
        ({"Mia": 4, "mia ": 5}, {"mia ": "Mia"}),
        ({"with_mask": 40, "wtih_maks": 2}, {"wtih_maks": "with_mask"}),  # two slips in a long word
        ({"with_mask": 900, "without_mask": 9}, {}),
        ({"mask": 50, "no_mask": 5}, {}),
        ({"Jana": 20, "Jane": 18}, {}),
        ({"cat": 90, "car": 1}, {}),  # too short to tell
        ({"face": 2, "fcae": 1}, {}),  # nobody can say which of them is meant
    ],
)
def test_a_slip_is_told_from_a_class(counts, slips):
    meant = {name: right_name(name, [], Counter(counts)) for name in counts}
    assert {name: right for name, right in meant.items() if right != name} == slips


def test_what_is_listed_is_right_and_what_is_near_it_is_a_slip(tmp_path):
    counts = Counter({"face": 9, "fcae": 1})
    with pytest.raises(
        FaceTrackerError, match=r'"fcae" \(1\) for "face" \(9\)\. facetracker audit DATA .* augment again'
    ):
        refuse_slips(tmp_path, counts, augmented=True)
    (tmp_path / "labels.txt").write_text("face\nfcae\n")
    refuse_slips(tmp_path, counts)
    (tmp_path / "labels.txt").write_text("face\n")
    with pytest.raises(FaceTrackerError, match="--rename fcae=face"):
        refuse_slips(tmp_path, counts)
    refuse_slips(Path("nowhere"), Counter({"face": 3}))
