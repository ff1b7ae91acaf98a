"""The lines of the calendar's text files: those that can be read, and what is wrong with the others."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from common.logging_setup import quoted
from common.refused import Refused

MOST_BYTES = 256 * 1024  # per file: enough for one work a day for ten years
LONGEST_WHAT = 80  # characters: it appears in each reason
ENCODINGS = ("utf-8", "cp949")  # of a line: editors of Korean Windows still write the second
T = TypeVar("T")


class WrongLine(ValueError):
    """A line is wrong; the message says why."""


def lines_of(path: Path) -> list[str]:
    """All lines of a file, including comments; empty if there is no file. What is not UTF-8 can be written again as it
    was (`surrogateescape`).

    Raises:
        OSError: it cannot be read.
    """
    try:
        lines = path.read_bytes().removeprefix(BOM_UTF8).splitlines()
    except FileNotFoundError:
        return []
    return [raw.decode("utf-8", errors="surrogateescape") for raw in lines]


def parsed(path: Path, parse: Callable[[str, int], T]) -> tuple[list[T], list[str]]:
    """What `parse` makes of each line and its number, and the problems of the lines that it refuses."""
    found: list[T] = []
    problems: list[str] = []
    try:
        for number, text in _lines(path):
            try:
                found.append(parse(text, number))
            except (ValueError, Refused) as error:
                why = str(error) if isinstance(error, WrongLine | Refused) else "not a valid date or time"
                problems.append(f"{path.name} line {number}: {why.removesuffix('.')}: {quoted(text)}")
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror}")
    return found, problems


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with content, with their numbers."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except FileNotFoundError:
        return
    for number, raw in enumerate(content.removeprefix(BOM_UTF8).splitlines(), 1):
        text = _decoded(raw).strip()
        if text and not text.startswith("#"):
            yield number, text


def _decoded(raw: bytes) -> str:
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("utf-8", errors="replace")


def name_in(text: str) -> str:
    """A name as somebody has written it into a file: one line that can be shown, however it is there."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:LONGEST_WHAT]
