"""The only reader of JSON state files: it returns a typed value, or one reason why there is none.

hydrolog writes the state files, but a disk, a person or another release may have changed them. Whatever is wrong
(truncated, nested too deeply, 1e999, a wrong type), `read` raises `StateUnusable`, and `load` returns None and warns
once. This module raises no other exception.
"""

import logging
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from common import files
from common.errors import HydrologError
from common.logging_setup import quoted

MOST_BYTES = 64 * 1024 * 1024  # the largest state, of all detectors of a full line, is a few MB
LAST_MINUTE = 4_000_000_000  # about the year 9575: Python's calendar ends soon after

Minute = Annotated[int, msgspec.Meta(ge=0, le=LAST_MINUTE)]  # a UTC unix minute
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

T = TypeVar("T")

_log = logging.getLogger(__name__)
_warned: dict[Path, str] = {}  # the last problem reported for each file


class StateUnusable(HydrologError):
    """The state file cannot be used."""


def parse(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Parse JSON as the type `kind`: a msgspec struct, a dataclass, or plain containers of them.

    Raises:
        StateUnusable: not JSON, or not of that type.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise StateUnusable(f"{type(error).__name__}: {error}") from error


def convert(value: Any, kind: type[T]) -> T:
    """Convert plain values (as `parse` returns for the type Any) to the type `kind`.

    Raises:
        StateUnusable: they are not of that type.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise StateUnusable(f"{type(error).__name__}: {error}") from error


def read(path: Path, kind: type[T]) -> T | None:
    """The value in a file; None if there is no file.

    Raises:
        StateUnusable: the file cannot be read, is too large, or does not hold such a value.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateUnusable(error.strerror) from error
    if len(data) > MOST_BYTES:
        raise StateUnusable(f"larger than {MOST_BYTES} bytes")
    return parse(data, kind)


def load(path: Path, kind: type[T]) -> T | None:
    """The value in a file; None if there is no file, or if it is unusable, which is logged once."""
    try:
        return read(path, kind)
    except StateUnusable as error:
        warn(path, error)
        return None


def warn(path: Path, error: StateUnusable) -> None:
    """Log once that a file, or a part of it, cannot be used."""
    problem = quoted(error)
    if _warned.get(path) != problem:
        _warned[path] = problem
        _log.warning("state_unreadable file=%s problem=%s", quoted(path), problem)


def store(path: Path, value: Any, *, durable: bool = True) -> None:
    """Replace the file with the value as JSON.

    Raises:
        OSError: the file system refuses; the old file is untouched.
    """
    files.replace(path, msgspec.json.encode(value) + b"\n", durable=durable)
