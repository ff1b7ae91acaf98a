"""Log files after a power cut: what had not reached the disk is NUL bytes in them, which hide a file from grep.

`python -P -m common.log_files FOLDER`, before the programs that write there are started.
"""

import re
import sys
from pathlib import Path

from common import files

_LOST = re.compile(rb"\n*\0[\0\n]*")  # with the line breaks around it


def clean(path: Path) -> None:
    """Remove the NULs, and end a line that was cut; nobody may have the file open.

    Raises:
        OSError: it cannot be read or written.
    """
    found = path.read_bytes()
    clear = _LOST.sub(b"\n", found).lstrip(b"\n")
    if clear and not clear.endswith(b"\n"):
        clear += b"\n"
    if clear != found:
        files.replace(path, clear, durable=False)


def main(folder: Path) -> None:
    """Clean the logs in a folder; one that cannot be cleaned is left as it is, and stops nothing."""
    for path in sorted(folder.glob("*.log*")):
        try:
            clean(path)
        except OSError as error:
            sys.stderr.write(f"{path} was not cleaned: {error.strerror}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
