"""A small disk of its own for a broker, in memory, which can be filled and freed. It needs root."""

import errno
import os
import subprocess
from pathlib import Path

SIZE_MB = 192  # a broker's own files, and the rows of an hour of soak many times over
PIECES = (1 << 20, 1 << 12)  # bytes: down to the last page
_FILE = "somebody-elses-file"


class Disk:
    """Mounted at a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
        self.there = os.geteuid() == 0 and not subprocess.run(command, check=False, capture_output=True).returncode

    def fill(self) -> None:
        """To the last page."""
        with (self._folder / _FILE).open("ab", buffering=0) as file:
            for piece in PIECES:
                try:
                    while file.write(b"\0" * piece) == piece:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        (self._folder / _FILE).unlink()

    def end(self) -> None:
        if self.there:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=False, capture_output=True)
