"""Nothing goes out: libraries that would tell their makers about this machine are told not to, before any is imported.

Imported by the package itself, so it holds for the command line, for notebooks, and for workers and child processes,
which inherit the environment; also where somebody has one of these switched on.
"""

from __future__ import annotations

import os
import sys
from typing import Any

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: a device id and a database of events, sent to Microsoft
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray: a report from every cluster
    "NO_ALBUMENTATIONS_UPDATE": "1",  # albumentations asks for a newer version at its import
    "HF_HUB_DISABLE_TELEMETRY": "1",  # Hugging Face, which Keras can load weights from
}

os.environ.update(SWITCHES)


def mute_openvino() -> None:
    """Before `import openvino`, which reports its own import and has no switch: as if its reporter were missing."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
