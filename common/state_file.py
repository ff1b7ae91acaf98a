"""The one reader of JSON state files: a typed value, or one reason why there is none.

This program writes a state file, but a disk, a person or another release may have changed it. Whatever is wrong (cut
off, nested without end, 1e999, a field of another type), the answer is the same: `StateUnusable` from `read`, and from
`load` None with one warning. No other exception leaves this module.
"""

import logging
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from common import files
from common.errors import HydrologError
from common.logging_setup import quoted

MOST_BYTES = 64 * 1024 * 1024  # the largest state, of all detectors of a full line, has some MB
LAST_MINUTE = 4_000_000_000  # about the year 9575: Python's calendar ends soon after

Minute = Annotated[int, msgspec.Meta(ge=0, le=LAST_MINUTE)]  # a UTC unix minute
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

T = TypeVar("T")

_log = logging.getLogger(__name__)
_warned: dict[Path, str] = {}  # the problem that each file was last warned of


class StateUnusable(HydrologError):
    """The state file cannot be used."""


def parse(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """JSON as a value of the type `kind`: a msgspec struct, a dataclass, or plain containers of them.

    Raises:
        StateUnusable: it is not JSON, or not of that type.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise StateUnusable(f"{type(error).__name__}: {error}") from error


def convert(value: Any, kind: type[T]) -> T:
    """Plain values (what `parse` makes of the type Any) as a value of the type `kind`.

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
    """The value in a file; None if there is no file, or if it cannot be used, which is warned of once."""
    try:
        return read(path, kind)
    except StateUnusable as error:
        warn(path, error)
        return None


def warn(path: Path, error: StateUnusable) -> None:
    """Say once that a file, or a part of it, cannot be used."""
    problem = quoted(error)
    if _warned.get(path) != problem:
        _warned[path] = problem
        _log.warning("state_unreadable file=%s problem=%s", quoted(path), problem)


def store(path: Path, value: Any, *, durable: bool = True) -> None:
    """Replace the file by the value as JSON.

    Raises:
        OSError: the file system refuses; the old file is untouched.
    """
    files.replace(path, msgspec.json.encode(value) + b"\n", durable=durable)
