"""What a request brings."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from facetracker.core.errors import FaceTrackerError


async def mapping(request: Request) -> dict[str, Any]:
    """The request's JSON body, which must be a mapping; no body at all is an empty one."""
    body = await request.body()
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise FaceTrackerError("the request is not JSON") from None
    if not isinstance(value, dict):
        raise FaceTrackerError("the request is no mapping")
    return value
