"""`open_minute.json`: what is not in the log yet, for the next start: the open minutes, and rows that wait.

A power cut may cost the open minute, a kill may not: it is kept in memory (`common/run_folder.py`) at each step, and on
the disk at the end of the process. Rows wait only while the disk refuses them, and a power cut should not cost those:
then it is kept on the disk, in the space that the freed reserve left.
"""

import contextlib
from pathlib import Path
from typing import Any

from common import files, run_folder, state_file
from common.folder import OPEN_MINUTE_FILE


class OpenMinuteFile:
    """At one of its two places."""

    def __init__(self, data: Path) -> None:
        self._disk = data / OPEN_MINUTE_FILE
        self._memory = run_folder.of(data) / OPEN_MINUTE_FILE

    def load(self) -> dict[str, Any] | None:
        """What the last process stored; None if nothing.

        Raises:
            StateUnusable: it is damaged.
        """
        recent = state_file.read(self._memory, dict[str, Any])
        return recent if recent is not None else state_file.read(self._disk, dict[str, Any])

    def store(self, content: bytes, *, on_disk: bool, durable: bool = False) -> None:
        """Replace it on the disk or in memory; if that place refuses, at the other one.

        Raises:
            OSError: both refuse.
        """
        place, other = (self._disk, self._memory) if on_disk else (self._memory, self._disk)
        try:
            files.replace(place, content, durable=durable)
        except OSError:
            place, other = other, place
            files.replace(place, content, durable=durable)
        if other != place:  # older now, and a start must not take it for the newest
            with contextlib.suppress(OSError):
                other.unlink(missing_ok=True)
