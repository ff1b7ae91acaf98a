"""`hydrolog sites`: which boxes may deliver here, each with a token of its own."""

import argparse
import json
from pathlib import Path

from cli import acting, shell
from common import settings
from common.settings import Settings
from server import site_tokens
from server.site_tokens import SiteToken


def run(args: list[str]) -> int:
    """List the tokens of sites, make one, or revoke some.

    Raises:
        TokenRefused: no name of a site, or nothing to revoke.
        HydrologError: a file cannot be read or written; nothing has changed.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    data = chosen.paths.data
    acting.become_owner(data)
    if options.action in (None, "list"):
        _list(chosen, options.json)
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
    listed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    made = shell.add_action(actions, "add", "make a token for a site, beside those that it has, and show it once")
    revoked = shell.add_action(
        actions, "revoke", "revoke a site's tokens: its batches are refused until it has another one"
    )
    revoked.add_argument("--older", action="store_true", help="all but the newest, which the box has by now")
    for action in (made, revoked):
        action.add_argument("site", metavar="SITE", help="site.id in the settings of the box")
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
        times = [shell.local(time, chosen.site.zone) if time else "" for time in (token.made, token.revoked)]
        table.add_row(shell.cell(token.site), *times)
    shell.console().print(table)


def _plain(token: SiteToken) -> dict[str, str | None]:
    made, revoked = (time.isoformat(timespec="seconds") if time else None for time in (token.made, token.revoked))
    return {"site": token.site, "made": made, "revoked": revoked}
