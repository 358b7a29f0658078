"""Events by HTTP: each a POST of its JSON, in order, sent again while the receiver is away.

Events say who is at home. So they go to addresses of this machine and this network only, unless a person says so; a
name is looked up and judged before every connection, and the connection is made to what was judged. No redirect is
followed, no proxy of the environment is used.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import time
from urllib.parse import SplitResult, urlsplit

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.inference.events.sinks import MOST, Row, Sink
from facetracker.version import __version__

TIMEOUT = 5.0  # seconds for a connection, and for an answer
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds before the next try: each pause is twice as long as the last
LAST_PAUSE = 0.5  # the same at the end of a run, which does not wait for long
# Answers of a receiver that is there but cannot take it now; others below 500 mean no, also the next time.
NOT_NOW = (408, 425, 429)
# This machine and what a router keeps inside; not ipaddress.is_private, which has more to it than that.
LOCAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
Address = tuple[socket.AddressFamily, tuple]  # and what `connect` takes


class Webhook(Sink):
    """Posts events to an address; `run` tells this run's events from the next one's.

    A receiver can tell a repeat (its answer was lost on the way) by the event's number, or by `Idempotency-Key`.
    """

    def __init__(self, url: str, *, anywhere: bool = False, run: str = "", most: int = MOST):
        self.url, self.anywhere, self.run = url, anywhere, run
        self._parts = _parsed(url)
        resolve(self._parts, anywhere)  # a mistake is told before anything begins
        self._away_since: float | None = None
        super().__init__(url, most)

    def _deliver(self, row: Row) -> bool:
        pause = FIRST_PAUSE
        while True:
            try:
                status = self._post(row)
            except (OSError, http.client.HTTPException, FaceTrackerError) as error:
                why = str(error) or type(error).__name__
            else:
                if 200 <= status < 300:
                    self._is_back()
                    return True
                if 300 <= status < 500 and status not in NOT_NOW:
                    self._is_back()
                    more = "; redirects are not followed" if status < 400 else ""
                    console.warn(f"{self.url} answered {status} to event {row['number']}{more}: it is left out")
                    return False
                why = f"it answered {status}"
            if self._away_since is None:
                self._away_since = time.monotonic()
                console.warn(f"{self.url} takes no events ({why}); they are kept and sent again later")
            if self._given_up.wait(min(pause, LAST_PAUSE) if self._ending else pause):
                return False
            pause = min(2 * pause, LONGEST_PAUSE)

    def _is_back(self) -> None:
        if self._away_since is not None:
            console.warn(f"{self.url} is back after {console.duration(time.monotonic() - self._away_since)}")
            self._away_since = None

    def _post(self, row: Row) -> int:
        """Send one event once; the answer's status."""
        parts = self._parts
        kind = _Secure if parts.scheme == "https" else _Plain
        connection = kind(resolve(parts, self.anywhere), parts.hostname or "", parts.port)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"{self.run}-{row['number']}",
            "User-Agent": f"facetracker/{__version__}",
        }
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, json.dumps(row).encode(), headers)
            return connection.getresponse().status
        finally:
            connection.close()


class _Plain(http.client.HTTPConnection):
    """A connection to one of the `addresses` that were judged, whatever the name means by now."""

    def __init__(self, addresses: list[Address], host: str, port: int | None):
        super().__init__(host, port, timeout=TIMEOUT)
        self.addresses = addresses

    def connect(self) -> None:
        self.sock = _connected(self.addresses)


class _Secure(http.client.HTTPSConnection):
    """The same by TLS: the certificate must be that of the name."""

    def __init__(self, addresses: list[Address], host: str, port: int | None):
        self.secure = ssl.create_default_context()
        super().__init__(host, port, timeout=TIMEOUT, context=self.secure)
        self.addresses = addresses

    def connect(self) -> None:
        self.sock = self.secure.wrap_socket(_connected(self.addresses), server_hostname=self.host)


def resolve(parts: SplitResult, anywhere: bool) -> list[Address]:
    """The addresses of a URL's host; refused if one of them is elsewhere, unless it may go `anywhere`."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FaceTrackerError(f"--webhook: no address is known for {host} ({error})") from None
    for *_, address in found:
        if not anywhere and not is_local(str(address[0])):
            raise FaceTrackerError(
                f"--webhook: {host} is {address[0]}, which is not in this network",
                fix="Events say when somebody is there. --anywhere sends them out of it.",
            )
    return [(family, address) for family, _, _, _, address in found]


def is_local(text: str) -> bool:
    """Is this address (IPv4 or IPv6) one of this machine or of this network?"""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))  # without the name of an interface
    return any(address in network for network in LOCAL)


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or not url.isascii() or any(not "!" <= letter <= "~" for letter in url):
        raise FaceTrackerError(f"--webhook {url}: no address of a receiver", fix="Write http://HOST:PORT/PATH.")
    if parts.username is not None:
        raise FaceTrackerError("--webhook: names and passwords in addresses are not sent", fix="Leave them out.")
    return parts


def _connected(addresses: list[Address]) -> socket.socket:
    """A connection to the first of the addresses that answers."""
    error: OSError | None = None
    for family, address in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(address)
        except OSError as refused:
            connection.close()
            error = refused
        else:
            return connection
    raise error or OSError("no address")
