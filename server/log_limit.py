"""Log lines that strangers can cause: limited, so that they neither fill the disk nor push out what matters."""

import logging
import threading
import time

LINES = 10  # of one event in one window; more say nothing new
WINDOW_S = 60.0


class LogLimit:
    """Lets the first lines of each event through; the first one of the next window says how many were left out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, int], tuple[float, int]] = {}  # place in the code -> began, lines since

    def __call__(self, record: logging.LogRecord) -> bool:
        event, now_s = (record.pathname, record.lineno), time.monotonic()
        with self._lock:
            began_s, lines = self._windows.get(event, (now_s, 0))
            if now_s - began_s >= WINDOW_S:
                if lines > LINES:
                    record.msg, record.args = f"{record.getMessage()} left_out_before={lines - LINES}", ()
                began_s, lines = now_s, 0
            self._windows[event] = began_s, lines + 1
        return lines < LINES


def limit_log() -> None:
    """Limit what this process logs; safe to repeat."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, LogLimit) for known in handler.filters):
            handler.addFilter(LogLimit())
