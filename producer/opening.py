"""Opening a port off the step: an address that does not answer holds a connect for seconds, and minutes must close.

One attempt is under way at a time, on a thread of its own that never outlives its attempt by more than its time-out.
"""

import threading
from typing import Protocol


class Openable(Protocol):
    """What is to be opened."""

    def open(self) -> None:
        """Open it, or raise PortError."""

    def close(self) -> None:
        """Close it, however broken it is."""


class Opening:
    """One attempt. The port belongs to it until `wait` has said that it is over."""

    def __init__(self, port: Openable) -> None:
        self.waits = 0  # that ended before the attempt did
        self._port = port
        self._error: Exception | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._abandoned = False
        threading.Thread(target=self._run, name="opening", daemon=True).start()

    def _run(self) -> None:
        try:
            self._port.open()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again where it is waited for
            self._error = error
        with self._lock:
            self._over.set()
            if self._abandoned:
                self._port.close()

    def wait(self, seconds: float) -> bool:
        """Wait so long; True if the attempt is over, and the port is open.

        Raises:
            PortError: the attempt failed. A defect comes out as what it is.
        """
        if not self._over.wait(seconds):
            self.waits += 1
            return False
        if self._error:
            raise self._error
        return True

    def abandon(self) -> None:
        """Nobody wants the port any more: closed now, or as soon as it is open."""
        with self._lock:
            self._abandoned = True
            if self._over.is_set():
                self._port.close()
