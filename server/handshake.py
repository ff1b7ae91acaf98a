"""A connection over TLS: it has its place before its handshake, so that silent ones are counted and parted with."""

import asyncio
import ssl
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from server import connections
from server.connections import Connection, Places

GOODBYE_S = 1.0  # to answer the end of TLS; the connection is closed then in any case


class SecureConnection(Connection):
    """One client that speaks TLS."""

    def __init__(self, tls: ssl.SSLContext, places: Places, **uvicorn: Any) -> None:
        super().__init__(places, **uvicorn)
        self.tls = tls
        self.is_secure = False
        self.early_bytes = bytearray()  # the first request may come with the end of the handshake
        self.handshake: asyncio.Task[None] | None = None  # kept, or it could be collected while it runs

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The client is there; uvicorn is told when it speaks TLS."""
        self.transport = transport
        self.connections.add(self)
        self.take_place(transport)
        self.handshake = self.loop.create_task(self.shake_hands(transport))

    async def shake_hands(self, plain: asyncio.Transport) -> None:
        """Until both sides speak TLS, or it is over."""
        try:
            secure = await self.loop.start_tls(
                plain,
                self,
                self.tls,
                server_side=True,
                ssl_handshake_timeout=connections.HEADERS_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError:  # no TLS, too slow, or gone
            secure = None
        if secure is None:
            self.connection_lost(None)
            return
        self.is_secure = True
        H11Protocol.connection_made(self, secure)  # it has its place
        if self.early_bytes:
            super().data_received(bytes(self.early_bytes))

    def data_received(self, data: bytes) -> None:
        if self.is_secure:
            super().data_received(data)
        else:
            self.early_bytes += data

    def shutdown(self) -> None:
        """Leave when the process ends."""
        if self.is_secure:
            super().shutdown()
        else:
            self.transport.abort()
