"""Connections that cannot be held open for nothing.

uvicorn closes a connection that is idle between two requests, but it waits for ever for the first byte, for the rest
of a request, and for a reader that does not read. Here each of these has its time, and there is a limit to how many
connections there are: when it is reached, one that has not shown the token makes room. And what is written goes out
at once.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST = 160  # connections; a browser opens six, a page holds two
REQUEST_WITHIN = 10.0  # seconds for a whole request, a frame of 4 MB included
READ_WITHIN = 20.0  # seconds in which a slow reader must have taken what waits for it
MOST_FRAGMENTS = 64  # of one WebSocket message: empty ones cost memory and count nothing


class _Watched(asyncio.Protocol):
    """What both kinds of connection share; `trusted` is set when a request has shown the token."""

    trusted = False
    since = 0.0  # on the loop's clock
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _stuck: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The other side does not read: give up after a while. `close` would wait for it for ever."""
        super().pause_writing()
        self._stop_waiting()
        self._stuck = self.loop.call_later(READ_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_waiting()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


class Http(_Watched, H11Protocol):
    """HTTP with a time limit for every request."""

    _late: asyncio.TimerHandle | None = None

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        send_at_once(transport)  # a WebSocket takes over the connection of the request that opened it
        self.since = self.loop.time()
        if not make_room(self.connections, self):
            transport.abort()
            return
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete:
            self._stop_expecting()

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._stop_expecting()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        if not self.transport.is_closing():
            self._expect_request()
        super().on_response_complete()

    def _expect_request(self) -> None:
        self._stop_expecting()
        self._late = self.loop.call_later(REQUEST_WITHIN, self.transport.abort)

    def _stop_expecting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class WebSocket(_Watched, WebSocketsSansIOProtocol):
    """A WebSocket; its pings (every 20 seconds) end one whose other side is gone."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # refused, that is complete too; uvicorn would log an error

    def send_receive_event_to_app(self) -> None:
        """Text that is no UTF-8 ends the socket, without uvicorn's page in the log."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= MOST_FRAGMENTS:
            self.transport.abort()
            return
        super().handle_cont(event)


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """Let small messages go out without waiting (TCP_NODELAY).

    Else the system holds an answer back until the one before is acknowledged, and a browser acknowledges with its
    next frame: late once, every answer would be a frame late. asyncio does this itself only for sockets that were
    made with IPPROTO_TCP written out, and not everywhere.
    """
    with suppress(OSError):  # the other side has gone already
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def make_room(connections: Iterable[Any], newest: Any) -> bool:
    """Where there are too many, end the oldest that has not shown the token; False when all have."""
    there = [one for one in connections if not one.transport.is_closing()]  # an aborted one is listed a little longer
    if len(there) <= MOST:
        return True
    strangers = [one for one in there if one is not newest and not one.trusted]
    if not strangers:
        return False
    min(strangers, key=lambda one: one.since).transport.abort()
    return True
