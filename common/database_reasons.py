"""Why the database does not do something, in our words: what a server says may hold an address or a password."""

from enum import Enum, auto

import psycopg

UNKNOWN = "for a reason that only the logs tell, or the address in database.url is wrong"

# What libpq and a server say when nobody gets in, in lower case.
_NO_CONNECTION = (
    "connection refused",
    "no such file or directory",
    "permission denied",
    "timeout expired",
    "could not translate host name",
    "failed to resolve host",
    "no route to host",
    "network is unreachable",
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "peer authentication failed",
    "does not exist",
    "is not permitted to log in",
    "is starting up",
    "is shutting down",
    "not yet accepting connections",
    "too many clients",
    "remaining connection slots are reserved",
    "certificate verify failed",
    "server does not support ssl",
    "server closed the connection unexpectedly",
    "ssl error",
)

# SQLSTATEs of what a server refuses to everybody, whatever is asked, until a person has mended it.
_REFUSED = {
    "25006": "it is read-only now",
    "42501": "its user lacks a right",
    "53100": "its disk is full",
}
# Of what it ends in the middle, while it goes on with others.
_CUT_SHORT = {
    "25P03": "this process stood still for too long",
    "25P04": "it took longer than the database allows",
    "40P01": "two processes waited for each other",
    "53200": "it needs more memory than there is",
    "55P03": "somebody has locked a table",
    "57014": "somebody has cancelled it",
}
_LOST = ("08", "57P")  # beginnings of those of a connection that ends for a reason of its own


class Trouble(Enum):
    """What an error of the database means for who has asked.

    Attributes:
        LOST: the connection is gone, or the database.
        REFUSED: the database is there and refuses to everybody.
        CUT_SHORT: it has ended this piece of work; another may go well.
    """

    LOST = auto()
    REFUSED = auto()
    CUT_SHORT = auto()


def trouble_of(error: psycopg.Error) -> Trouble | None:
    """What it means; None: the database finds something wrong with what it was asked."""
    if error.sqlstate in _REFUSED:
        return Trouble.REFUSED
    if error.sqlstate in _CUT_SHORT:
        return Trouble.CUT_SHORT
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return None
    return Trouble.LOST if error.sqlstate is None or error.sqlstate.startswith(_LOST) else Trouble.CUT_SHORT


def reason(error: Exception) -> str:
    """Why."""
    state = getattr(error, "sqlstate", None) or ""
    if known := _REFUSED.get(state) or _CUT_SHORT.get(state):
        return known
    said = str(error).lower()
    return next((each for each in _NO_CONNECTION if each in said), UNKNOWN)
