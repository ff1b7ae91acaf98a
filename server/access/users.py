"""The users, in `users.json` of the data folder: so that people can log in while the database is down.

`session.key` is made after the first user. From then on a missing or damaged `users.json` opens nothing: nobody can log
in until it is there again.
"""

import fcntl
import os
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from common import files, state_file
from common.errors import HydrologError
from common.folder import SESSION_KEY_FILE, USERS_FILE, USERS_LOCK_FILE
from common.messages import message
from common.refused import Refused
from common.state_file import StateUnusable
from server.access.roles import ROLES, User

MOST_NAME = 40  # characters
MOST_USERS = 1000
KEY_BYTES = 32
LETTERS = ("L", "M", "N")  # the categories of Unicode that a name is made of, besides
SIGNS = " .-_@"


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user as the file holds it.

    Attributes:
        kept: the hash of the password.
        by: who made the user; empty for a command.
        generation: of the sessions; another one ends all that were begun before.
        ended: the sessions that were ended alone, whose cookies may still be about: their ids, and when (unix s).
        reads_in: the language and the units that were chosen, as parameters of an address.
    """

    name: str
    role: str
    kept: str
    made: datetime
    by: str
    generation: str
    ended: dict[str, int] = {}
    reads_in: dict[str, str] = {}

    def __post_init__(self) -> None:
        """A role that is not known must not become one that is."""
        if self.role not in ROLES:
            raise ValueError(f"{self.role!r} is not a role")

    @property
    def user(self) -> User:
        return User(self.name, ROLES[self.role], self.reads_in)


class UsersFile(msgspec.Struct, frozen=True):
    """What `users.json` holds."""

    users: Annotated[list[Account], msgspec.Meta(min_length=1, max_length=MOST_USERS)]
    version: int = 1


Accounts = dict[str, Account]  # by `same(name)`


class UsersUnusable(HydrologError):
    """The users cannot be read, so nobody can log in."""


class UserRefused(Refused):
    """What was asked for cannot be done."""

    exit_code = 1


NOT_A_NAME = message(
    "A user's name has 1 to 40 letters, digits and the signs . - _ @, and begins with a letter or digit."
)


class Users:
    """The file, read anew when it has changed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._stamps: tuple[files.Stamp | None, ...] | None = None
        self._known: Accounts | UsersUnusable = {}

    def now(self) -> Accounts:
        """All users; empty if there was never one.

        Raises:
            UsersUnusable: the file is damaged, missing or may not be read.
        """
        stamps = tuple(files.stamp(self._data / name) for name in (USERS_FILE, SESSION_KEY_FILE))
        if stamps != self._stamps:
            try:
                self._known, self._stamps = load(self._data), stamps
            except UsersUnusable as error:  # perhaps the disk, or too many open files: it is tried again
                self._known, self._stamps = error, None
        if isinstance(self._known, UsersUnusable):
            raise self._known
        return self._known

    def find(self, name: str) -> Account | None:
        """The user of that name, however its letters are written.

        Raises:
            UsersUnusable: see `now`.
        """
        return self.now().get(same(name))


def load(data: Path) -> Accounts:
    """All users of a data folder; empty if there was never one.

    Raises:
        UsersUnusable: the file is damaged, missing or may not be read.
    """
    path = data / USERS_FILE
    try:
        found = state_file.read(path, UsersFile)
    except StateUnusable as error:
        raise UsersUnusable(f"{path} cannot be read, so nobody can log in: {error}") from error
    if found is None and (data / SESSION_KEY_FILE).exists():
        again = f"bring it back from a backup; or delete {SESSION_KEY_FILE} there, and the page is open to everybody"
        raise UsersUnusable(f"{path} is missing, so nobody can log in: {again}")
    return {same(account.name): account for account in found.users} if found else {}


def key(data: Path) -> bytes:
    """What signs the sessions; made if it is missing, which ends all sessions.

    Raises:
        UsersUnusable: it cannot be read or made.
    """
    path = data / SESSION_KEY_FILE
    try:
        with locked(data):
            if not path.exists():
                files.replace(path, secrets.token_bytes(KEY_BYTES), mode=0o600)
            found = path.read_bytes()
    except OSError as error:
        raise UsersUnusable(f"cannot read or make {path}: {error.strerror}") from error
    if len(found) != KEY_BYTES:
        raise UsersUnusable(f"{path} is damaged: delete it, and everybody has to log in again")
    return found


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Only one process at a time; one that dies holds it no longer."""
    descriptor = files.open_lock_file(data / USERS_LOCK_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # held for one write
        yield
    finally:
        os.close(descriptor)


@contextmanager
def changing(data: Path) -> Iterator[Accounts]:
    """The users, to be changed: they are stored at the end, unless something is raised.

    Raises:
        UsersUnusable: the file cannot be read or written; nothing has changed.
    """
    path = data / USERS_FILE
    try:
        with locked(data):
            known = load(data)
            yield known
            files.replace(path, msgspec.json.encode(UsersFile([*known.values()])) + b"\n", mode=0o600)
    except OSError as error:
        raise UsersUnusable(f"cannot write {path}: {error.strerror}") from error
    key(data)


def checked_name(name: str) -> str:
    """The name as it is kept: its letters in one form.

    Raises:
        UserRefused: it is none.
    """
    found = unicodedata.normalize("NFC", name)
    allowed = all(unicodedata.category(char)[0] in LETTERS or char in SIGNS for char in found)
    begins = found[:1].isalnum() and found == found.strip() and "  " not in found
    if not (allowed and begins and len(found) <= MOST_NAME):
        raise UserRefused(NOT_A_NAME, "name")
    return found


def same(name: str) -> str:
    """What names of one user have in common."""
    return unicodedata.normalize("NFKC", name).casefold()
