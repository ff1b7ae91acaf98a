"""A connection over TLS: it has its place before its handshake, so that silent ones are counted and parted with.

The first byte tells TLS from plain HTTP, which `server.plain_http` answers.
"""

import asyncio
import ssl
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from server import connections
from server.connections import Connection, Places

HANDSHAKE = 0x16  # how TLS begins; no method of HTTP does
GOODBYE_S = 1.0  # to answer the end of TLS; the connection is closed then in any case


class SecureConnection(Connection):
    """One client of a port of TLS."""

    def __init__(self, tls: ssl.SSLContext, places: Places, **uvicorn: Any) -> None:
        super().__init__(places, **uvicorn)
        self.tls = tls
        self.is_heard = False  # uvicorn has it
        self.early_bytes = bytearray()  # the first request may come with the end of the handshake
        self.handshake: asyncio.Task[None] | None = None  # kept, or it could be collected while it runs

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The client is there; uvicorn is told when it is known what it speaks."""
        self.transport = transport
        self.connections.add(self)
        self.take_place(transport)

    def data_received(self, data: bytes) -> None:
        if self.is_heard:
            super().data_received(data)
        elif self.handshake is not None:
            self.early_bytes += data
        elif data[0] == HANDSHAKE:
            self.handshake = self.loop.create_task(self.shake_hands(self.transport, data))
        else:
            self.hear(self.transport, data)

    async def shake_hands(self, plain: asyncio.Transport, first: bytes) -> None:
        """Until both sides speak TLS, or it is over. `first`: how the handshake begins."""
        # asyncio begins in the next round of its loop, and reads on; what is read already is its before that.
        self.loop.call_soon(self.loop.call_soon, hand_over, plain, first)
        try:
            secure = await self.loop.start_tls(
                plain,
                self,
                self.tls,
                server_side=True,
                ssl_handshake_timeout=connections.HEADERS_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError:  # wrong TLS, too slow, or gone
            secure = None
        if secure is None:
            self.connection_lost(None)
            return
        self.hear(secure, bytes(self.early_bytes))

    def hear(self, transport: asyncio.Transport, data: bytes) -> None:
        """From now on it is uvicorn's, in the place that it has."""
        self.is_heard = True
        H11Protocol.connection_made(self, transport)
        if data:
            super().data_received(data)

    def shutdown(self) -> None:
        """Leave when the process ends."""
        if self.is_heard:
            super().shutdown()
        else:
            self.transport.abort()


def hand_over(transport: asyncio.Transport, data: bytes) -> None:
    """Give bytes that have been read to the protocol that the transport has now."""
    protocol = cast("asyncio.BufferedProtocol", transport.get_protocol())
    while data and not transport.is_closing():
        room = memoryview(protocol.get_buffer(len(data)))
        taken = min(len(room), len(data))
        room[:taken] = data[:taken]
        protocol.buffer_updated(taken)
        data = data[taken:]
