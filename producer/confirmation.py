"""A person's confirmation of the clock: a file that `hydrolog clock confirm` writes and the producer takes."""

from pathlib import Path

from common.folder import CLOCK_CONFIRMED_FILE

RIGHT = "right"  # the clock is right
GO_ON = "go-on"  # and minutes after now were closed by a wrong clock: reopen them


def leave(data: Path, order: str) -> None:
    """Write the confirmation for the producer.

    Raises:
        OSError: the folder cannot be written.
    """
    (data / CLOCK_CONFIRMED_FILE).write_text(order + "\n", encoding="ascii")


def take(data: Path) -> str | None:
    """Read and remove the confirmation; None if there is none."""
    path = data / CLOCK_CONFIRMED_FILE
    try:
        order = path.read_text(encoding="ascii", errors="replace").strip()
        path.unlink()
    except OSError:
        return None
    return GO_ON if order == GO_ON else RIGHT
