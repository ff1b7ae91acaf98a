"""What every request passes after the door: who is asking, may he, and does this form come from the page itself.

Sets `request.state.user` (a `User` or None), `request.state.address` (of the browser) and, for a POST,
`request.state.form` (its fields, a multi-dict; the token is checked already).
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec

from markupsafe import Markup
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.access.roles import Role

P = ParamSpec("P")


class Guard:
    """Around the application, inside the door."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state.update(user=None, address=scope["client"][0] if scope.get("client") else "", form=ImmutableMultiDict())
        await self._app(scope, receive, send)


def needs(role: Role) -> Callable[[Callable[P, Awaitable[Response]]], Callable[P, Awaitable[Response]]]:
    """An endpoint (a function or a method of a request) for users of this role and those above it.

    Others get the login, or are told that they may not: as a page, or as JSON below `api/`.
    """

    def wrapped(endpoint: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
        @functools.wraps(endpoint)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            return await endpoint(*args, **kwargs)

        guarded.needed = role  # type: ignore[attr-defined]
        return guarded

    return wrapped


def csrf_field(request: Request) -> Markup:
    """The hidden field of a form that POSTs: `{{ csrf_field() }}` in templates."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format("")


def may(request: Request, role: Role) -> bool:
    """Whether the reader of a page may do what needs this role: for what a template shows."""
    user: Any = request.state.user
    return user is not None and user.role >= role
