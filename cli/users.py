"""`hydrolog users`: who may log in to the page, and what people have done there."""

import argparse
import getpass
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from cli import acting, shell, users_audit
from cli.users_audit import RECENT
from common import settings
from common.audit import Actor
from common.clock import local_text
from common.errors import HydrologError
from common.settings import Settings
from server.access import changes, passwords, users
from server.access.roles import ROLES


class PasswordRefused(HydrologError):
    """The password is not taken."""

    exit_code = 2


def run(args: list[str]) -> int:
    """List, make, change or remove users, or show the audit.

    Raises:
        UserRefused: there is no such user, the name is taken, or it is the last admin.
        HydrologError: a file cannot be read or written; nothing has changed.
        PasswordRefused: it is too short, too common, or not typed twice.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    data = chosen.paths.data
    acting.become_owner(data)
    if options.action in (None, "list"):
        _list(chosen, options.json)
    elif options.action == "audit":
        users_audit.show(chosen, options)
    else:
        shell.say(_changed(data, options, chosen.site.id))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "users",
        "Who may log in to the page. While there is no user, everybody may read it and nobody may change anything. "
        "Without an action: list.",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    _action(actions, "list", "list the users", json_=True)
    add = _action(actions, "add", "make a user; the first one is an admin", name=True)
    _add_role(add)
    _add_password(add)
    _action(actions, "remove", "remove a user; the sessions end at once", name=True)
    _add_role(_action(actions, "role", "give a user another role", name=True))
    _add_password(_action(actions, "password", "set a user's password; the sessions end at once", name=True))
    shown = _action(actions, "audit", f"show what people have done, newest last: {RECENT} entries", json_=True)
    shown.add_argument("--all", action="store_true", help="all entries that the box still has")
    return parser


def _action(actions: Any, action: str, text: str, *, name: bool = False, json_: bool = False) -> Any:
    made = shell.add_action(actions, action, text)
    if json_:
        made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    if name:
        made.add_argument("name", metavar="NAME", help="letters, digits and the signs . - _ @")
    return made


def _add_role(action: argparse.ArgumentParser) -> None:
    text = "viewer: reads; operator: also acts; admin: also makes users"
    action.add_argument("--role", required=True, choices=[*ROLES], help=text)


def _add_password(action: argparse.ArgumentParser) -> None:
    source = action.add_mutually_exclusive_group()
    source.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")
    source.add_argument("--generate", action="store_true", help="make a password, and show it once")


def _changed(data: Path, options: argparse.Namespace, site: str) -> str:
    by, name = Actor(acting.person()), options.name
    if options.action == "add":
        users.checked_name(name)  # before anybody types a password
        password, shown = _password(options, (name, site))
        kept = passwords.hashed(password)
        changes.add(data, by, name, ROLES[options.role], kept=kept, at=shell.site_clock(data).now())
        return f"{name} may log in as {options.role}{shown}"
    if options.action == "password":
        changes.one(users.load(data), name)  # before anybody types a password
        password, shown = _password(options, (name, site))
        changes.set_password(data, by, name, passwords.hashed(password))
        return f"{name} has a new password, and has to log in again{shown}"
    if options.action == "role":
        changes.set_role(data, by, name, ROLES[options.role])
        return f"{name} is {options.role} from now on"
    changes.remove(data, by, name)
    return f"{name} is removed"


def _password(options: argparse.Namespace, names: tuple[str, str]) -> tuple[str, str]:
    """The new password, and what to show of it.

    Raises:
        PasswordRefused: it is not taken.
    """
    if options.generate:
        made = passwords.generated()
        return made, f"; the password, shown only here: {made}"
    password = _read(options.password_file) if options.password_file else _asked()
    if problem := passwords.problem(password, names):
        raise PasswordRefused(problem)
    return password, ""


def _asked() -> str:
    if not sys.stdin.isatty():
        raise PasswordRefused("no terminal to ask for the password: use --password-file FILE or --generate")
    try:
        password = getpass.getpass("New password: ")
        again = getpass.getpass("Again: ")
    except EOFError:
        raise PasswordRefused("no password was typed") from None
    if password != again:
        raise PasswordRefused("the two passwords are not the same")
    return password


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(passwords.MOST * 8).decode("utf-8-sig").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PasswordRefused(f"--password-file: cannot read {path}: {problem}") from error


def _list(chosen: Settings, as_json: bool) -> None:
    known = sorted(users.load(chosen.paths.data).values(), key=lambda account: account.name.casefold())
    if as_json:
        listed = [{"name": one.name, "role": one.role, "made": _iso(one.made), "by": one.by} for one in known]
        shell.say(json.dumps(listed, ensure_ascii=False))
        return
    if not known:
        shell.say("no user yet, so everybody may read the page; the first one: hydrolog users add NAME --role admin")
        return
    table = shell.table("name", "role", "made", "by", whole=("role", "made"))
    for one in known:
        made = local_text(one.made, chosen.site.zone)
        table.add_row(shell.cell(one.name), shell.cell(one.role), made, shell.cell(one.by))
    shell.console().print(table)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
