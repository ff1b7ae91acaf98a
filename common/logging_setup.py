"""Log lines: ``time level role action key=value``, to standard output; supervisord rotates them.

One event, one line, one name. Text from outside (a meter's bytes, a server's answer) goes through `quoted`, so it can
neither break a line nor send escape codes to a terminal.
"""

import io
import logging
import sys
import threading
import time

MOST_LINES = 10  # warnings of one kind in each window: a trouble that lasts is one story, and must not fill the disk
WINDOW_S = 600.0
MOST_KINDS = 1_000  # far more than there are in the code: a text may be made from what somebody sent
QUOTED_LENGTH = 200  # characters: enough to recognise a message


def quoted(text: object) -> str:
    """Text from outside made harmless: repr, ASCII only, truncated."""
    return ascii(text)[:QUOTED_LENGTH]


def harmless(text: str) -> str:
    """Text for a terminal: control characters show as escapes, but for line breaks and tabs."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


class Limit:
    """Lets a few lines of each kind pass in each window; the first of the next one says how many did not.

    Attributes:
        window_s: its length.
        least: lines of a lower level always pass.
        word: of the count.
    """

    window_s, least, word = WINDOW_S, logging.WARNING, "unsaid"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, int, str], tuple[float, int]] = {}  # place, text -> when its window began, lines

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < self.least:
            return True
        kind, now_s = (record.name, record.lineno, str(record.msg)), time.monotonic()
        with self._lock:
            began_s, lines = self._kinds.get(kind, (now_s, 0))
            if now_s - began_s >= self.window_s:
                if lines > MOST_LINES:
                    record.msg, record.args = f"{record.getMessage()} {self.word}={lines - MOST_LINES}", ()
                began_s, lines = now_s, 0
            if len(self._kinds) >= MOST_KINDS:
                self._kinds.clear()
            self._kinds[kind] = began_s, lines + 1
        return lines < MOST_LINES


def speak_in_any_locale() -> None:
    """Print characters that the terminal cannot encode, and undecodable paths, as escapes instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def setup(role: str) -> None:
    """Log to standard output in the common format."""
    speak_in_any_locale()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s %(levelname)s {role} %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")
    )
    handler.addFilter(Limit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
