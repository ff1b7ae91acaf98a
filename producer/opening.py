"""Opening a port outside the step: connecting to a dead address takes seconds, and minutes must close meanwhile.

Only one attempt runs at a time, on its own thread, which never outlives the attempt by more than its timeout.
"""

import threading
from typing import Protocol


class Openable(Protocol):
    """An object that can be opened."""

    def open(self) -> None:
        """Open it, or raise PortError."""

    def close(self) -> None:
        """Close it, however broken it is."""


class Opening:
    """One attempt. It owns the port until `wait` reports that it is over."""

    def __init__(self, port: Openable) -> None:
        self.waits = 0  # waits that ended before the attempt
        self._port = port
        self._error: Exception | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._abandoned = False
        threading.Thread(target=self._run, name="opening", daemon=True).start()

    def _run(self) -> None:
        try:
            self._port.open()
        except Exception as error:  # noqa: BLE001 - raised again in `wait`
            self._error = error
        with self._lock:
            self._over.set()
            if self._abandoned:
                self._port.close()

    def wait(self, seconds: float) -> bool:
        """Wait; True if the attempt is over and the port is open.

        Raises:
            PortError: the attempt failed. Other exceptions are raised unchanged.
        """
        if not self._over.wait(seconds):
            self.waits += 1
            return False
        if self._error:
            raise self._error
        return True

    def abandon(self) -> None:
        """The port is no longer needed: close it now, or as soon as it is open."""
        with self._lock:
            self._abandoned = True
            if self._over.is_set():
                self._port.close()
