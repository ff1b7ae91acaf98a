"""What can be done to users, by the page and by the commands: each is written down first, and then done, or neither.

All of them raise `UserRefused` for what cannot be, `UsersUnusable` if the users cannot be read or written, and
`AuditUnwritable`; then nothing has changed.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from common import audit
from common.audit import Actor
from common.messages import message
from common.refused import CHANGED, NotPossible
from server.access.roles import Role
from server.access.users import MOST_USERS, Account, Accounts, UserRefused, changing, checked_name, same

MOST_ENDED = 50  # sessions of a user in `Account.ended`; one more ends them all

UNKNOWN = message("There is no user {user}.")
TAKEN = message("There is a user {user} already.")
LAST_ADMIN = message("{user} is the last admin, and has to stay one.")
FIRST_ADMIN = message("The first user has to be an admin.")
TOO_MANY = message("There are {count} users already, and no more can be made.")


def add(data: Path, by: Actor, name: str, role: Role, *, kept: str, at: datetime) -> None:
    """Make a user; `kept` is the hash of the password."""
    account = Account(checked_name(name), role.word, kept, at, by.name, _generation())
    with changing(data) as known:
        there = known.get(same(name))
        if there is not None:
            raise UserRefused(TAKEN, "name", user=there.name)
        if not known and role < Role.ADMIN:
            raise UserRefused(FIRST_ADMIN, "role")
        if len(known) >= MOST_USERS:
            raise UserRefused(TOO_MANY, count=len(known))
        audit.record(data, *by, "user-added", user=account.name, role=role.word)
        known[same(name)] = account


def remove(data: Path, by: Actor, name: str) -> None:
    """Remove a user; all sessions end at once."""
    with changing(data) as known:
        account = one(known, name)
        _keep_an_admin(known, account)
        audit.record(data, *by, "user-removed", user=account.name, role=account.role)
        del known[same(name)]


def set_role(data: Path, by: Actor, name: str, role: Role, *, seen: str = "") -> None:
    """Give a user another role, from the next request on. `seen`: the role that stood in the form before."""
    with changing(data) as known:
        account = one(known, name)
        if seen and seen != account.role:
            raise _meanwhile(data, account)
        if role < Role.ADMIN:
            _keep_an_admin(known, account)
        audit.record(data, *by, "user-role", user=account.name, before=account.role, after=role.word)
        known[same(name)] = replace(account, role=role.word)


def set_password(data: Path, by: Actor, name: str, kept: str) -> Account:
    """Store the hash of a new password; all sessions end at once."""
    with changing(data) as known:
        account = one(known, name)
        audit.record(data, *by, "user-password", user=account.name)
        known[same(name)] = changed = _without_sessions(replace(account, kept=kept))
    return changed


def set_reads_in(data: Path, name: str, chosen: Mapping[str, str]) -> None:
    """Keep the language and the units that somebody reads in; whoever only reads does not stand in the audit."""
    with changing(data) as known:
        account = one(known, name)
        known[same(name)] = replace(account, reads_in={**chosen})


def end_session(data: Path, by: Actor, session: str, now_s: int, lasts_s: int) -> None:
    """Log somebody out of one session, whose cookie is good for `lasts_s` at most."""
    with changing(data) as known:
        account = one(known, by.name)
        ended = {each: at_s for each, at_s in account.ended.items() if at_s > now_s - lasts_s} | {session: now_s}
        changed = replace(account, ended=ended)
        audit.record(data, *by, "logout")
        known[same(by.name)] = changed if len(ended) <= MOST_ENDED else _without_sessions(account)


def end_sessions(data: Path, by: Actor) -> None:
    """Log somebody out everywhere."""
    with changing(data) as known:
        account = one(known, by.name)
        audit.record(data, *by, "logout-everywhere")
        known[same(by.name)] = _without_sessions(account)


def one(known: Accounts, name: str) -> Account:
    """The user of that name."""
    account = known.get(same(name))
    if account is None:
        raise UserRefused(UNKNOWN, user=name)
    return account


def _meanwhile(data: Path, account: Account) -> NotPossible:
    done = audit.last(data, user=account.name)
    return NotPossible(CHANGED, by=done.by if done and done.by else account.name)


def _keep_an_admin(known: Accounts, account: Account) -> None:
    admins = [each for each in known.values() if each.user.role is Role.ADMIN]
    if admins == [account]:
        raise UserRefused(LAST_ADMIN, user=account.name)


def _without_sessions(account: Account) -> Account:
    return replace(account, generation=_generation(), ended={})


def _generation() -> str:
    return secrets.token_hex(8)
