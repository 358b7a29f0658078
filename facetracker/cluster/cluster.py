"""Ray, started on this machine or joined: the only place that imports it.

Ray is an extra (`scale`) and is imported when a stage is told `--on ray`, never before.
Nothing is sent to Ray's makers: its usage statistics are off.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal

from facetracker.core.errors import FaceTrackerError
from facetracker.core.install import install_command
from facetracker.core.places import as_path
from facetracker.version import __version__

On = Literal["local", "ray"]
ON = ("local", "ray")

# What tasks hand back is small; photos and shards go through the file system. Ray's own default takes 30 % of memory.
OBJECT_STORE = 96 << 20  # bytes
STARTS = 4  # tries to start a Ray here


def import_ray() -> Any:
    """The module `ray`, or one line that says how to get it."""
    # Without it Ray hides the GPUs from tasks that ask for none, and warns about it.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise FaceTrackerError("Ray is not installed", fix=install_command("scale")) from None
    return ray


@contextmanager
def connected(address: str | None = None, processors: int | None = None, gpus: int | None = None) -> Iterator[Any]:
    """Ray, joined at `address` (`auto`, `HOST:PORT`, `ray://HOST:PORT`) or started here with so many processors.

    What is started here ends with the context. A Ray that this process uses already is used, and left as it is.
    """
    ray = import_ray()
    if ray.is_initialized():
        with _hushed():
            yield ray
        return
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None or address == "local":
        # "local", not nothing: without an address Ray would join any cluster that it finds on this machine.
        common |= {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE}
        common |= {"num_cpus": processors, "num_gpus": gpus}
    else:
        common["address"] = address
    _begin(ray, common, address)
    try:
        with _hushed():
            yield ray
    finally:
        ray.shutdown()


def _begin(ray: Any, how: dict[str, Any], address: str | None) -> None:
    """Start or join. Ray gives its own processes 30 seconds to start, which a busy machine may not do at once."""
    for left in reversed(range(STARTS if how["address"] == "local" else 1)):
        try:
            ray.init(**how)
            return
        except Exception as error:  # of many kinds; that of a start which takes too long is a bare Exception
            ray.shutdown()
            if not left:
                where = "could not be started here" if address is None else f"does not answer at {address}"
                fix = "See docs/scale.md." if address is None else "Start it there with `ray start --head`."
                raise FaceTrackerError(f"Ray {where} ({error})", fix=fix) from None


def _hushed() -> redirect_stdout[Any]:
    return redirect_stdout(_WithoutRay(sys.stdout))


class _WithoutRay:
    """stdout without what Ray's own thread says: a paragraph for every worker that died, whose task runs again."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def processors_of(ray: Any) -> int:
    """How many processors the cluster has at this moment; it may grow and shrink."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def check_nodes(ray: Any, files: Sequence[str | Path]) -> int:
    """Ask every node for this package's version and for the files; how many nodes there are.

    A folder that only one machine has would make every photo in it a reject on the others: better one line now.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if len(nodes) > 1:
        look = ray.remote(num_cpus=0)(_look)
        asked = []
        for node in nodes:
            strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked.append(look.options(scheduling_strategy=strategy).remote([str(file) for file in files]))
        for host, version, missing in ray.get(asked):
            if version != __version__:
                raise FaceTrackerError(
                    f"{host} has facetracker {version}, this machine {__version__}", fix="Install the same version."
                )
            if missing:
                raise FaceTrackerError(
                    f"{host} does not see it", path=missing[0], fix="Use a shared folder or an object store (s3://...)."
                )
    return len(nodes)


def _look(files: Sequence[str]) -> tuple[str, str, list[str]]:
    return socket.gethostname(), __version__, [file for file in files if not as_path(file).exists()]
