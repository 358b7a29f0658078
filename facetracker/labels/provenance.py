"""Who made a label file: a person, or a machine whose work nobody has looked at yet.

A prelabelled file says so three times. Each of its shapes has the flag `unreviewed` and its score as description,
which labelme shows when the shape is edited. The photo has the flag `unreviewed`, which labelme shows under Flags:
taking the tick away says "right as it is". And the key `facetracker` holds the digest of what the machine wrote.
labelme keeps all three. As soon as flags or shapes differ from the digest, a person has saved the file: it is
reviewed from then on, whatever flags are left in it, and no machine touches it again.

How it was reviewed can be told as well: the machine also notes the digest of its boxes alone, which stays. A file
without that note was drawn by a person, one whose boxes still fit it was accepted, any other one was corrected.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

State = Literal["unlabelled", "prelabelled", "reviewed"]
How = Literal["drawn", "corrected", "accepted"]

RECORD = "facetracker"  # the key of the file under which the machine signs
UNREVIEWED = "unreviewed"


def state_of(content: Mapping[str, Any] | None) -> State:
    """Where a photo stands, by the parsed content of its label file, or None where it has none.

    `prelabelled`: as a machine wrote it. `reviewed`: a person has saved it.
    """
    if content is None:
        return "unlabelled"
    noted = signature(content).get("digest")
    return "prelabelled" if noted is not None and noted == digest(content) else "reviewed"


def signature(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the machine wrote: `prelabelled_by`, `model`, `threshold`, `doubt`, `boxes` and `digest`; or nothing."""
    found = content.get(RECORD)
    return dict(found) if isinstance(found, Mapping) else {}


def signed(content: Mapping[str, Any], **about: Any) -> dict[str, Any]:
    """The content as a machine's work: flags at the shapes and the photo, and the digest of it all."""
    new = copy.deepcopy(dict(content))
    # Without `no_face` and `mask`, which labelme writes every time: so any save by labelme shows in the digest, also
    # of somebody who ticked a flag and took the tick away again.
    new["flags"] = {UNREVIEWED: True}
    for shape in new["shapes"]:
        shape["flags"] = {UNREVIEWED: True}
        shape.pop("mask", None)
    new[RECORD] = {**about, "boxes": boxes_digest(new["shapes"]), "digest": digest(new)}
    return new


def how_reviewed(content: Mapping[str, Any]) -> How:
    """What a person did to a file that is `reviewed`: `drawn` without a machine, `corrected` or `accepted` its boxes.

    What was accepted says nothing about how this person draws: the boxes are the machine's own.
    """
    theirs = signature(content).get("boxes")
    if theirs is None:
        return "corrected" if "prelabelled_by" in signature(content) else "drawn"
    return "accepted" if theirs == boxes_digest(content["shapes"]) else "corrected"


def boxes_digest(shapes: Sequence[Any]) -> str:
    """A digest of where the boxes of a file lie, whatever they are called, in tenths of a pixel."""
    places = [shape.get("points") if isinstance(shape, Mapping) else None for shape in shapes]
    with suppress(TypeError, ValueError):  # what is no labelme shape counts as it is
        places = [[[round(float(side), 1) for side in point] for point in points or []] for points in places]
    return hashlib.blake2b(json.dumps(places).encode(), digest_size=8).hexdigest()


def signed_again(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with a digest that fits it: for a program that fixes a prelabelled file and is no reviewer."""
    return {**content, RECORD: {**signature(content), "digest": digest(content)}}


def accepted(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as reviewed: without the marks of a machine, its name stays."""
    new = copy.deepcopy(dict(content))
    if isinstance(new.get("flags"), dict):
        new["flags"].pop(UNREVIEWED, None)
    for shape in new["shapes"]:
        if is_unreviewed(shape):
            del shape["flags"][UNREVIEWED]
            shape["description"] = ""
            shape.setdefault("mask", None)
    if record := signature(new):
        new[RECORD] = {key: record[key] for key in ("prelabelled_by", "model", "boxes") if key in record}
    return new


def is_unreviewed(shape: Any) -> bool:
    """Does this shape carry a machine's mark? In a file that is reviewed it means nothing any more."""
    flags = shape.get("flags") if isinstance(shape, Mapping) else None
    return isinstance(flags, Mapping) and flags.get(UNREVIEWED) is True


def digest(content: Mapping[str, Any]) -> str:
    """A digest of what a person can change in labelme: the photo's flags and the shapes.

    The photo's path is not in it: `split` writes it again in a copy, and that is no review.
    """
    seen = {"flags": content.get("flags"), "shapes": content.get("shapes")}
    return hashlib.blake2b(json.dumps(seen, sort_keys=True).encode(), digest_size=16).hexdigest()
