"""What every request must pass, and every answer carries: the name it was asked under, its path, safe headers.

A page of another site can let its own name point to this machine (DNS rebinding); its visitors' browsers then take our
page for its own. They still send that name: so only our names and literal addresses are answered.
"""

import functools
import ipaddress
import logging
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.logging_setup import quoted
from common.settings_checks import is_loopback

# Scripts and styles only from this server, nothing from elsewhere, no inline code: a name that contains HTML stays text
# even if the page has a bug.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with none, browsers tell no origin of a form, either
    (b"cross-origin-resource-policy", b"same-origin"),
)
_CACHE, _NOT_CACHED = b"cache-control", (b"cache-control", b"no-store")
MOST_HOSTS = 64  # texts of Host headers that are remembered: boxes and browsers send the same ones again and again
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")

_log = logging.getLogger(__name__)


def own_names(host: str, hosts: Iterable[str]) -> frozenset[str]:
    """The names that this server answers to: of the settings, and of this machine."""
    machine = socket.gethostname().lower()
    return frozenset({host.lower(), machine, f"{machine}.local", *(name.lower() for name in hosts)})


@functools.lru_cache(MOST_HOSTS)
def is_ours(asked: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this server."""
    match = _HOST.fullmatch(asked)
    if match is None:
        return False
    name = match[1].strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names or is_loopback(name)
    return True


class Door:
    """Answers what goes nowhere, and adds the headers; by default answers are not cached."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                cached = any(name == _CACHE for name, _ in own)
                message["headers"] = [*own, *_HEADERS, *(() if cached else (_NOT_CACHED,))]
            await send(message)

        await self._way(scope)(scope, receive, send_with_headers)

    def _way(self, scope: Scope) -> ASGIApp:
        asked = Headers(scope=scope).getlist("host")
        if len(asked) != 1 or not is_ours(asked[0], self._names):
            _log.warning("misdirected host=%s not a name of this machine; see receiver.hosts", quoted(",".join(asked)))
            return PlainTextResponse(
                "this server does not answer to the name in Host: its settings list its names in receiver.hosts\n", 421
            )
        if scope["raw_path"] != scope["path"].encode():  # no path of ours needs an escape
            return PlainTextResponse(NOTHING_HERE, 404)
        return self._app


NOTHING_HERE = "there is nothing here: batches go to POST /v1/batches, the page is at /\n"
