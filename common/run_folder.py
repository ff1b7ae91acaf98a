"""The folder in memory for files that are replaced each second: on a disk they would wear it out.

systemd gives the service a folder in /run (`RuntimeDirectory=` in deploy/hydrolog.service). In it each data folder has
its own, named after the folder's place on the disk: whoever knows the data folder finds it, and two installations do
not meet. Without systemd (a demo, a test, a container) these files are in the data folder. After a start of the machine
the folder is empty.
"""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from common.folder import HEALTH_FOLDER

RUN = Path("/run")
NAMES = "hydrolog*"  # a second service on the same machine has a folder of its own
VARIABLE = "RUNTIME_DIRECTORY"  # set by systemd


def of(data: Path) -> Path:
    """The folder in memory for `data`; `data` itself if there is none."""
    try:
        own = data.stat()
    except OSError:
        return data
    for service in sorted(RUN.glob(NAMES)):
        folder = service / _name(own)
        with contextlib.suppress(OSError):  # none there, or not ours to look at
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == own.st_uid:  # else made by another service
                return folder
    return data


def make(data: Path) -> None:
    """Create it if this process belongs to a service, and remove what an older version left in the data folder."""
    service = Path(os.environ.get(VARIABLE, ""))
    if service.parent != RUN or not service.match(NAMES):
        return
    with contextlib.suppress(OSError):  # the data folder serves as well
        (service / _name(data.stat())).mkdir(mode=0o750, exist_ok=True)
    if of(data) != data:
        shutil.rmtree(data / HEALTH_FOLDER, ignore_errors=True)


def _name(data: os.stat_result) -> str:
    return f"{data.st_dev:x}-{data.st_ino:x}"
