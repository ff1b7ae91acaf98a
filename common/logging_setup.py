"""Log lines: ``time level role action key=value``, to standard output; supervisord rotates them.

One event, one line, one name. Foreign text (a meter's bytes, a server's answer) goes through `quoted`, so that it
can neither break a line nor reach a terminal as an escape.
"""

import io
import logging
import sys

QUOTED_LENGTH = 200  # characters: enough to recognise a message, too few to flood


def quoted(text: object) -> str:
    """Foreign text made harmless: repr, ASCII only, cut."""
    return ascii(text)[:QUOTED_LENGTH]


def speak_in_any_locale() -> None:
    """Have a sign that the terminal's encoding lacks, or a path that is no text, printed as an escape, not raised."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def setup(role: str) -> None:
    """Log to standard output in the one format."""
    speak_in_any_locale()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s %(levelname)s {role} %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
