"""A person's confirmation of the clock: a file that the page or `hydrolog clock confirm` writes and the producer takes.

It counts only until the machine starts again: after that the clock may be another.
"""

from pathlib import Path

from common import files, time_service
from common.folder import CLOCK_CONFIRMED_FILE

RIGHT = "right"  # the clock is right
GO_ON = "go-on"  # and minutes after now were closed by a wrong clock: reopen them


def leave(data: Path, order: str) -> None:
    """Write the confirmation for the producer.

    Raises:
        OSError: the folder cannot be written.
    """
    content = f"{order} {time_service.boot_id()}\n".encode("ascii")
    files.replace(data / CLOCK_CONFIRMED_FILE, content, durable=False)  # the producer may look at any instant


def take(data: Path) -> str | None:
    """Read and remove the confirmation; None if there is none for this start of the machine."""
    path = data / CLOCK_CONFIRMED_FILE
    try:
        order, _, boot_id = path.read_text(encoding="ascii", errors="replace").strip().partition(" ")
        path.unlink()
    except OSError:
        return None
    return order if boot_id == time_service.boot_id() and order in (RIGHT, GO_ON) else None
