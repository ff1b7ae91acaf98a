"""`hydrolog sites`: which boxes may deliver here, each with a token of its own, and which of them are heard."""

import argparse
import contextlib
import json
from datetime import datetime, timedelta
from pathlib import Path

from cli import acting, shell, site_zone
from common import settings
from common.clock import local_text
from common.database import Database
from common.settings import Settings
from server import delivering, site_tokens
from server.site_tokens import SiteToken
from situation.sites import DeliveringSite, Hearing


def run(args: list[str]) -> int:
    """List the tokens of sites, make one, or revoke some.

    Raises:
        TokenRefused: no name of a site, or nothing to revoke.
        SettingsError: no such site, or no such zone.
        HydrologError: a file cannot be read or written; nothing has changed.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    data = chosen.paths.data
    acting.become_owner(data)
    if options.action in (None, "list"):
        _list(chosen, options.json)
    elif options.action == "heard":
        _heard(chosen, options.json)
    elif options.action == "zone":
        shell.say(site_zone.set_zone(chosen, options.site, options.zone))
    else:
        shell.say(_changed(data, options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "sites",
        "The tokens with which sites deliver to hydrolog-server on this data folder. A site with a token of its own "
        "is let in by no other. Changes count at once. Without an action: list.",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listed = shell.add_action(actions, "list", "list the tokens: whose, when made, when revoked")
    heard = shell.add_action(actions, "heard", "list the sites that deliver here, the silent ones first")
    for action in (listed, heard):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    made = shell.add_action(actions, "add", "make a token for a site, beside those that it has, and show it once")
    revoked = shell.add_action(
        actions, "revoke", "revoke a site's tokens: its batches are refused until it has another one"
    )
    revoked.add_argument("--older", action="store_true", help="all but the newest, which the box has by now")
    zone = shell.add_action(
        actions, "zone", "by which clock a site of the center has its nights; without ZONE: show it"
    )
    for action in (made, revoked, zone):
        action.add_argument("site", metavar="SITE", help="site.id in the settings of the box")
    zone.add_argument(
        "zone", metavar="ZONE", nargs="?", help='like "Europe/Rome"; "default": that of the settings here'
    )
    return parser


def _changed(data: Path, options: argparse.Namespace) -> str:
    now = shell.site_clock(data).now()
    if options.action == "add":
        token = site_tokens.add(data, options.site, now)
        return f"{options.site} may deliver; its token, shown only here, for server.token_file of the box:\n{token}"
    ended = site_tokens.revoke(data, options.site, now, keep_newest=options.older)
    return f"{ended} token{'s' * (ended != 1)} of {options.site} revoked"


def _list(chosen: Settings, as_json: bool) -> None:
    known = sorted(site_tokens.load(chosen.paths.data), key=lambda token: (token.site, token.made))
    if as_json:
        shell.say(json.dumps([_plain(token) for token in known]))
        return
    if not known:
        shell.say("no site has a token of its own; the first one: hydrolog sites add SITE")
        return
    table = shell.table("site", "made", "revoked", whole=("made", "revoked"))
    for token in known:
        times = [local_text(time, chosen.site.zone) if time else "" for time in (token.made, token.revoked)]
        table.add_row(shell.cell(token.site), *times)
    shell.console().print(table)


def _heard(chosen: Settings, as_json: bool) -> None:
    limit, zone = timedelta(minutes=chosen.alerts.silent_box_minutes), chosen.site.zone
    with contextlib.closing(Database(chosen, "sites")) as reading:
        known = delivering.read(reading, shell.site_clock(chosen.paths.data).now(), limit)
    if as_json:
        shell.say(json.dumps([_plain_heard(site, state) for site, state in known]))
        return
    if not known:
        shell.say("no site has delivered rows here yet")
        return
    table = shell.table("site", "state", "last heard", "complete through", whole=("state", "last heard"))
    for site, state in known:
        closed = local_text(site.closed_through, zone) if site.closed_through else ""
        table.add_row(shell.cell(site.site), state.value, local_text(site.heard_at, zone), closed)
    shell.console().print(table)


def _plain_heard(site: DeliveringSite, state: Hearing) -> dict[str, str | None]:
    heard, closed = _iso(site.heard_at), _iso(site.closed_through)
    return {"site": site.site, "state": state.value, "heard_at": heard, "closed_through": closed}


def _plain(token: SiteToken) -> dict[str, str | None]:
    return {"site": token.site, "made": _iso(token.made), "revoked": _iso(token.revoked)}


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None
