"""For tests: text meters that answer when they are asked, behind a file descriptor or a TCP port of the loopback."""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

from meter import Cable

WAIT_S = 0.02


class TextMeters:
    """Answers each question that came whole. `deaf`: questions without an answer; `echo`: as an RS-485 adapter does."""

    def __init__(self, answers: Mapping[bytes, bytes], *, echo: bool = False) -> None:
        self.answers = dict(answers)
        self.deaf: set[bytes] = set()
        self.asked: list[bytes] = []
        self._echo = echo
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def _replies(self, asked: bytes) -> Iterator[bytes]:
        for question, answer in self.answers.items():
            if asked.endswith(question):
                self.asked.append(question)
                if self._echo:
                    yield question
                if question not in self.deaf:
                    yield answer

    def on_cable(self, cable: Cable) -> None:
        """Serve the far end of a pseudo-terminal until `close`."""
        self._serve(lambda: self._talk(lambda: os.read(cable.ours, 64), cable.send, cable.ours))

    def on_port(self, *, close_after_each: bool = False) -> str:
        """Serve one connection after another; the address."""
        listening = socket.create_server(("127.0.0.1", 0))
        listening.settimeout(WAIT_S)

        def serve() -> None:
            with listening:
                while not self._stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection, _ = listening.accept()
                        with connection:
                            self._on(connection, once=close_after_each)

        self._serve(serve)
        return f"socket://127.0.0.1:{listening.getsockname()[1]}"

    def _on(self, connection: socket.socket, *, once: bool) -> None:
        self._talk(lambda: connection.recv(64), connection.sendall, connection, once=once)

    def _serve(self, target: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=target)
        self._thread.start()

    def _talk(
        self,
        read: Callable[[], bytes],
        write: Callable[[bytes], None],
        waited: int | socket.socket,
        once: bool = False,
    ) -> None:
        asked = b""
        with contextlib.suppress(OSError):
            while not self._stop.is_set():
                if not select.select([waited], [], [], WAIT_S)[0]:
                    continue
                if not (chunk := read()):
                    return
                asked += chunk
                for reply in self._replies(asked):
                    asked = b""
                    write(reply)
                    if once:
                        return

    def close(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._stop.clear()
