"""The options of every command that can run on a cluster."""

from __future__ import annotations

from typing import Annotated, Any

import typer

On = Annotated[str, typer.Option("--on", metavar="local|ray", help="This machine, or a Ray cluster (docs/scale.md).")]
Address = Annotated[
    str | None, typer.Option(metavar="auto|HOST:PORT", help="The Ray cluster; default: a Ray started here.")
]


def where(on: str, address: str | None) -> dict[str, Any]:
    """The checked options, as the arguments `on` and `address` of a stage."""
    from facetracker.cluster.cluster import ON, import_ray
    from facetracker.core.errors import FaceTrackerError

    if on not in ON:
        raise FaceTrackerError(f"--on {on}: not known", fix=f"There are: {', '.join(ON)}.")
    if address is not None and on != "ray":
        raise FaceTrackerError("--address is a Ray cluster's", fix="Pass --on ray too.")
    if on == "ray":
        import_ray()  # before the photos are looked through, not after
    return {"on": on, "address": address}
