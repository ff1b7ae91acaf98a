"""Log lines: ``time level role action key=value``, to standard output; supervisord rotates them.

One event, one line, one name. Text from outside (a meter's bytes, a server's answer) goes through `quoted`, so it can
neither break a line nor send escape codes to a terminal.
"""

import io
import logging
import sys

QUOTED_LENGTH = 200  # characters: enough to recognise a message


def quoted(text: object) -> str:
    """Text from outside made harmless: repr, ASCII only, truncated."""
    return ascii(text)[:QUOTED_LENGTH]


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
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
