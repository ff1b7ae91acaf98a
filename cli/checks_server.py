"""Part of `hydrolog check`: whoever takes the rows: a server accepts the token, a cluster may be written to."""

import threading
from collections.abc import Iterator
from datetime import datetime

from cli.check_result import CheckResult
from cli.checks_kafka import cluster
from cli.shell import printable
from common.errors import SettingsError
from common.kafka_client import KAFKA
from common.settings import SERVER_TOKEN, Settings
from common.token_file import read_token

# What every server must refuse. One that does not is none, or does not look at what it gets.
_NO_ROW, _NO_TOKEN = b"not-a-row\n", "not-a-token"
_TAKES_ANYTHING = (
    "says yes to a wrong token and to what is no row: a login page of the network (captive portal), a proxy, or a "
    "program that does not look at what it gets; rows sent there may be lost. Correct server.url or the network, or "
    "set server.receipt; then send again what was sent meanwhile: hydrolog resend --from ISO-TIME --to ISO-TIME"
)


def server(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The server: reachable, and it accepts the token. An empty body is posted, no row."""
    from common.web_address import address_of
    from consumer.post import Poster

    if chosen.is_center:
        return  # a center sends nothing
    if "server" not in chosen.log.groups:
        yield CheckResult(True, "server", 'log.groups does not name "server": nothing is sent')
        return
    if not chosen.server.url:
        yield CheckResult(False, "server", 'server.url is empty: set it, or remove "server" from log.groups')
        return
    if chosen.server.url.startswith(KAFKA):
        yield from cluster(chosen, chosen.server.url, "server.url")
        return
    try:
        token = read_token(SERVER_TOKEN, chosen.server.token_file, "server.token_file")
        poster = Poster(address_of("server", chosen.server), chosen.server.timeout_seconds, threading.Event())
    except SettingsError as error:
        yield CheckResult(False, "server", printable(error))
        return
    key = f"{chosen.site.id}/check/0-0"
    answer = poster.post(b"", key, token)
    ok, text = server_says(answer.status, answer.problem)
    yes = range(200, 300)
    if answer.status in yes and poster.post(_NO_ROW, key, _NO_TOKEN).status in yes:
        ok, text = False, _TAKES_ANYTHING
    yield CheckResult(ok, "server", f"{printable(chosen.server.url)} {text}")


def receiver(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """The cluster that hydrolog-server passes batches on to; nothing if it keeps them itself."""
    if chosen.receiver.into != "log":
        return
    if chosen.log.url.startswith(KAFKA):
        yield from cluster(chosen, chosen.log.url, "log.url")
    else:
        yield CheckResult(False, "server", 'receiver.into = "log" needs a cluster in log.url')


def server_says(status: int | None, problem: str) -> tuple[bool, str]:
    """What the answer to an empty body means for address and token."""
    if status is None:
        return False, f"does not answer ({printable(problem)}); check server.url, the network, the server"
    if status in (401, 403):
        return False, f"refuses the token ({status}); put the one of this site into server.token_file"
    if status in (404, 405):
        return False, f"accepts no batches there ({status}); check the path in server.url"
    if 300 <= status < 400:
        return False, f"redirects ({status}), which is not followed; put the final address into server.url"
    if status >= 500 or status in (408, 425, 429):
        return False, f"has an internal error ({status}); batches wait until it is fixed"
    return True, f"answers, the token is accepted ({status} to an empty body)"
