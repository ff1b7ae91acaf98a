"""Who types a command: their name for what is written down, and the rights that the data folder asks for."""

import os
import pwd
from pathlib import Path

from common.errors import HydrologError


class NoFolder(HydrologError):
    """The data folder cannot be reached."""


def person() -> str:
    """Who is logged in at the box, also behind `sudo`; empty if the system does not know."""
    return os.environ.get("SUDO_USER") or _login()


def become_owner(data: Path) -> None:
    """As root, go on as the owner of the data folder: the processes have to read what is written there.

    Raises:
        NoFolder: there is none.
    """
    if os.geteuid() == 0:
        try:
            owner = data.stat()
        except OSError as error:
            raise NoFolder(f"{data}: {error.strerror}; paths.data in the settings names the data folder") from error
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""
