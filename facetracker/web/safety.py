"""Who may talk to the page, and how much: token, Host, Origin, size and rate limits, the headers of every answer.

The server stands on 127.0.0.1, but a browser lets any web page send requests there, and a name that an attacker owns
may point there too (DNS rebinding). So a request needs the token (a cookie that no other site can send along, or
`Authorization: Bearer`), its Host must be an address or a name that cannot be rebound, and its Origin must be the
page itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import hmac
import ipaddress
import secrets
import socket
import time
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "facetracker_token"  # and the port: browsers keep cookies apart by host only, and two pages may be open
FRAME_BYTES = 4_000_000
LABEL_BYTES = 1_000_000
OTHER_BYTES = 64_000
BYTES_AT_ONCE = 32_000_000  # of all bodies together
DRAINED = 64_000_000  # of a body that is refused

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; frame-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors "
)
# A notebook's page shows ours in a frame: Jupyter on this machine, or Colab.
NOTEBOOKS = (
    "'self' http://localhost:* http://127.0.0.1:* https://*.googleusercontent.com https://colab.research.google.com"
)
COLAB = ".googleusercontent.com"
HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


def hand_memory_back() -> None:
    """Ask the C library for what it keeps of freed pictures; only Linux's has that."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Refused(Exception):
    """A request that is answered with one line and goes no further."""

    def __init__(self, status: int, error: str, fix: str = ""):
        super().__init__(error)
        self.status, self.error, self.fix = status, error, fix


@dataclass
class Bucket:
    """So many requests a second, and a few more at once after a pause."""

    rate: float
    burst: float
    left: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = self.burst

    def take(self) -> bool:
        """Take one; False when none is left."""
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass
class Rules:
    """Who is let in. `everywhere`: bound to more than this machine; `notebook`: shown in a frame of another page."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    everywhere: bool = False
    notebook: bool = False
    known: Bucket = field(default_factory=lambda: Bucket(200, 400))
    strangers: Bucket = field(default_factory=lambda: Bucket(20, 60))

    def knows_host(self, host: str) -> bool:
        """A Host header that no rebinding can produce: this machine, an address, or Colab's proxy."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name == "localhost" or (self.notebook and name.endswith(COLAB)):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return self.everywhere and name == socket.gethostname().lower()
        return address.is_loopback or self.everywhere

    def knows_origin(self, origin: str, host: str) -> bool:
        """An Origin header that is the page itself."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == host.lower()

    def fits(self, token: str | None) -> bool:
        """Is this the token? Compared in constant time."""
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())


@dataclass
class Flight:
    """The bytes of bodies that are being received and worked on, bounded for all requests together."""

    most: int = BYTES_AT_ONCE
    held: int = 0

    def take(self, count: int) -> bool:
        """Room for so many bytes; False when there is none. One request is always let in."""
        if self.held and self.held + count > self.most:
            return False
        self.held += count
        return True

    def give_back(self, count: int) -> None:
        self.held -= count
        if count and not self.held:
            hand_memory_back()


class Guard:
    """ASGI middleware round the whole application."""

    def __init__(self, app: ASGIApp, rules: Rules):
        self.app, self.rules, self.flight = app, rules, Flight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        send = self._with_headers(send)
        try:
            answer = self._admit(scope)
            if answer is None:
                await self._let_in(scope, receive, send)
                return
        except Refused as refused:
            if refused.status == 413:
                await _drain(receive)
            answer = _as_response(scope, refused)
        except ClientDisconnect:  # in the middle of a body: nobody is there to be answered
            return
        await answer(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, once there is room for its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        count = _body_of(scope)
        if not self.flight.take(count):
            await _drain(receive)
            raise Refused(429, "too much at once", "Wait a second.")
        try:
            await self.app(scope, _measured(receive, _limit(scope)), send)
        finally:
            self.flight.give_back(count)

    def _admit(self, scope: Scope) -> Response | None:
        """None for a request that may go on, an answer for one that brings the token; else `Refused`."""
        headers, rules = Headers(scope=scope), self.rules
        host = headers.get("host", "")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        login = query.get("token", [None])[0] if scope["type"] == "http" and scope["path"] == "/" else None
        bearer = _bearer(headers)
        trusted = rules.fits(login) or rules.fits(bearer) or rules.fits(_cookie(scope, headers))
        if not (rules.known if trusted else rules.strangers).take():
            raise Refused(429, "too many requests", "Wait a second.")
        if not rules.knows_host(host):
            raise Refused(403, f"{host[:80]!r} is not this page's host", "Open the address that was printed.")
        if not trusted:
            raise Refused(401, "the token is missing or wrong", "Open the address that `facetracker web` printed.")
        self._check_origin(scope, headers, host, entering=login is not None, bearer=bearer is not None)
        connection = scope.get("state", {}).get("connection")
        if connection is not None:
            connection.trusted = True
        if login is not None:
            return self._welcome(scope)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _limit(scope):
            raise Refused(413, f"more than {_limit(scope):,} bytes", "Send less at once.")
        return None

    def _check_origin(self, scope: Scope, headers: Headers, host: str, *, entering: bool, bearer: bool) -> None:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None and not self.rules.knows_origin(origin, host):
            raise Refused(403, f"{origin[:80]!r} is not this page", "Open the address that was printed.")
        if not entering and site not in ("same-origin", "none"):
            # A frame in a notebook is entered, and then loads itself, from another site.
            navigates = self.rules.notebook and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
            if not navigates:
                raise Refused(403, "another site asked for this", "Open the address that was printed.")
        writes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if writes and origin is None and not bearer:
            raise Refused(403, "the Origin is missing", "Programs send `Authorization: Bearer TOKEN`.")

    def _welcome(self, scope: Scope) -> Response:
        """The token becomes a cookie and leaves the address bar."""
        answer = RedirectResponse("./", status_code=303)  # relative: behind a proxy the page has a path
        kind = "Secure; SameSite=None; Partitioned" if self.rules.notebook else "SameSite=Strict"
        answer.headers["set-cookie"] = f"{cookie_name(scope)}={self.rules.token}; Path=/; HttpOnly; {kind}"
        return answer

    def _with_headers(self, send: Send) -> Send:
        ancestors = NOTEBOOKS if self.rules.notebook else "'self'"

        async def sender(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", POLICY + ancestors)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        return sender


def _limit(scope: Scope) -> int:
    """The largest body in bytes."""
    if scope["path"] in ("/api/collect", "/api/bring") or scope["path"].startswith("/api/record/"):
        return FRAME_BYTES
    return LABEL_BYTES if scope["path"].endswith("/label") else OTHER_BYTES


def _body_of(scope: Scope) -> int:
    """How many bytes a request brings: what it says, or the most that it may."""
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return _limit(scope)
    return int(headers.get("content-length", "0"))


async def _drain(receive: Receive, message: Message | None = None) -> None:
    """Take the rest of a body and throw it away: who is refused while sending would only see a broken connection.

    A connection that takes too long is ended (connections.py); more than `DRAINED` bytes nobody waits for.
    """
    came = 0
    while came < DRAINED:
        if message is not None and (message["type"] != "http.request" or not message.get("more_body")):
            return
        message = await receive()
        came += len(message.get("body", b""))


def _measured(receive: Receive, most: int) -> Receive:
    """`receive` that stops a body which is longer than it said, or did not say."""
    came = 0

    async def receiver() -> Message:
        nonlocal came
        message = await receive()
        if message["type"] == "http.request":
            came += len(message.get("body", b""))
            if came > most:
                await _drain(receive, message)
                raise HTTPException(413, f"more than {most:,} bytes")
        return message

    return receiver


def _as_response(scope: Scope, refused: Refused) -> Response:
    """The refusal as JSON; as a page for a person who opened the address without its token. The connection ends."""
    close = {"connection": "close"}
    if refused.status == 401 and scope["path"] == "/":
        page = f"<!doctype html><title>facetracker</title><p>{refused.error}. {refused.fix.replace('`', '')}</p>"
        return HTMLResponse(page, 401, close)
    body = {"error": refused.error, "fix": refused.fix}
    return JSONResponse(body, refused.status, close)


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def cookie_name(scope: Scope) -> str:
    """What the cookie of this server is called."""
    return f"{COOKIE}_{(scope.get('server') or ('', 0))[1]}"


def _cookie(scope: Scope, headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(scope))
    except CookieError:
        return None
    return None if found is None else found.value
