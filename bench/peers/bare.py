"""What a front is measured against: starlette on uvicorn that reads each body, and nothing else; or produces its lines.

    python bench/peers/bare.py [BROKERS TOPIC]

It prints its port. With a topic each line is a message, and the answer waits until all are acknowledged.
"""

import asyncio
import socket
import sys
import threading
from typing import Any

import uvicorn
from confluent_kafka import Producer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def read(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"stored": body.count(b"\n"), "repeated": 0})


class Producing:
    """As short as it can be written: no checks, no limits, no time-out."""

    def __init__(self, brokers: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "compression.type": "zstd",
                "linger.ms": 5,
            }
        )
        threading.Thread(target=self._poll, daemon=True).start()

    def _poll(self) -> None:
        while True:
            self._producer.poll(1.0)

    async def __call__(self, request: Request) -> Response:
        lines = (await request.body()).splitlines()
        site = request.headers["idempotency-key"].partition("/")[0].encode()
        loop, left, done = asyncio.get_running_loop(), len(lines), asyncio.Event()

        def delivered(_error: Any, _message: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                loop.call_soon_threadsafe(done.set)

        for line in lines:
            self._producer.produce(self._topic, line, site, on_delivery=delivered)
        await done.wait()
        return JSONResponse({"stored": len(lines), "repeated": 0})


def main() -> None:
    kind = Producing(*sys.argv[1:3]).__call__ if sys.argv[1:] else read
    app = Starlette(routes=[Route("/v1/batches", kind, methods=["POST"])])
    # asyncio disables Nagle's algorithm only for sockets with a protocol number: saves 40 ms per answer.
    handle = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    handle.bind(("127.0.0.1", 0))
    handle.listen(1024)
    print(handle.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([handle])


if __name__ == "__main__":
    main()
