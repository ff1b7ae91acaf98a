"""What every request passes after the door: who is asking, may he, and does this form come from the page itself.

Sets in `request.state`: `user` (a `User` or None), `open` (there is no user at all, so that everybody may read),
`address` (of the browser), `visit` (its session), `access` and, for a POST, `form` (its fields; the token is checked).
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import ParamSpec

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.logging_setup import quoted
from server.access import answers, forms
from server.access.access import Access
from server.access.roles import Role
from server.access.users import UsersUnusable
from server.access.visit import Visit

# Open to everybody: what a browser needs before the login, and what programs ask for.
OPEN = {"/login", "/prefer", "/healthz", "/metrics", "/manifest.webmanifest", "/worker.js"}
OPEN_FOLDER = "/static/"
BATCHES = "/v1/batches"  # has a token of its own
READS = {"GET", "HEAD"}

P = ParamSpec("P")

_log = logging.getLogger(__name__)


class Guard:
    """Around the application, inside the door. `routes`: all of its places."""

    def __init__(self, app: ASGIApp, access: Access, routes: Iterable[Route]) -> None:
        self._app = app
        self._access = access
        self._changing = [route for route in routes if not READS.issuperset(route.methods or ())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == BATCHES:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        visit = Visit(request, self._access)
        fresh = {
            "user": None,
            "open": False,
            "form": forms.Fields(),
            "address": self._access.proxies.address_of(request),
        }
        scope.setdefault("state", {}).update(fresh, visit=visit, access=self._access)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and (cookie := visit.cookie()):
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        body = b""
        answer = self._look(request)
        if answer is None and self._changes(request):
            try:
                body = await _take_form(request)
            except forms.FormRefused as refused:
                _log.warning("form_refused path=%s problem=%s", quoted(request.url.path), quoted(refused.sentence))
                answer = answers.refused(request, refused.status, refused.sentence)
            except ClientDisconnect:
                return
        await (answer or self._app)(scope, forms.again(body, receive) if body else receive, send_with_cookie)

    def _changes(self, request: Request) -> bool:
        """Whether this asks for a change. What no route takes changes nothing: the application says so."""
        return request.method not in READS and any(
            route.matches(request.scope)[0] is Match.FULL for route in self._changing
        )

    def _look(self, request: Request) -> Response | None:
        """See who it is; the answer to somebody who may not go on."""
        state, path = request.state, request.url.path
        readable = _see(request)
        if path.startswith(OPEN_FOLDER) or (path in OPEN and (readable or path != "/login")):
            return None
        if not readable:
            return answers.closed(request)
        return None if state.open or state.user else answers.log_in(request)


def _see(request: Request) -> bool:
    """See who asks, as the users are now; False if they cannot be read."""
    state = request.state
    try:
        state.open = not state.access.users.now()
        state.visit.read()
        state.user = state.visit.user()
    except UsersUnusable as error:
        _log.warning("users_unusable problem=%s", quoted(str(error)))
        return False
    return True


def still(request: Request) -> bool:
    """Whether who asked is still logged in, with the same role: for an answer that goes on for hours."""
    before = _standing(request)
    return _see(request) and _standing(request) == before


def _standing(request: Request) -> tuple[bool, str, Role | None]:
    user = request.state.user
    return request.state.open, user.name if user else "", user.role if user else None


async def _take_form(request: Request) -> bytes:
    """Read and check a form.

    Raises:
        FormRefused: it is none, or another site has made it.
        ClientDisconnect: the browser is gone.
    """
    if not forms.is_from_here(request.headers):
        raise forms.FormRefused(403, forms.ELSEWHERE)
    body, request.state.form = await forms.read(request)
    if not request.state.visit.is_token(request.state.form.get("csrf", "")):
        raise forms.FormRefused(403, forms.OUT_OF_DATE)
    return body


def needs(role: Role) -> Callable[[Callable[P, Awaitable[Response]]], Callable[P, Awaitable[Response]]]:
    """An endpoint (a function or a method of a request) for users of this role and those above it.

    Others get the login, or are told that they may not: as a page, or as JSON below `api/`.
    """

    def wrapped(endpoint: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
        @functools.wraps(endpoint)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            request = args[-1]
            assert isinstance(request, Request)
            return await endpoint(*args, **kwargs) if may(request, role) else answers.forbidden(request, role)

        guarded.needed = role  # type: ignore[attr-defined]
        return guarded

    return wrapped


def may(request: Request, role: Role) -> bool:
    """Whether the reader of a page may do what needs this role; also for what a template shows."""
    user = request.state.user
    if user is None:
        return bool(request.state.open) and role is Role.VIEWER
    return bool(user.role >= role)
