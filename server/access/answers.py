"""What somebody is told who may not go on: a page for people, JSON for programs."""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from common.messages import message
from common.version import version
from server.access.access import Access
from server.access.roles import Role
from server.reader import Reader, reader_of
from server.render import answer

LOG_IN = message("Log in first.")
ONLY_ADMIN = message("Only an admin may do this.")
ONLY_OPERATOR = message("Only an operator or an admin may do this.")
NO_USER_YET = message(
    "Nobody can log in yet, so nothing can be changed here. Make the first user at the box: {command}"
)
CLOSED = message("The users cannot be read, so nobody can log in. What to do is said at the box by: {command}")
FIRST_USER = "hydrolog users add NAME --role admin"


def reader(request: Request) -> Reader:
    """Whoever asks."""
    access: Access = request.state.access
    return reader_of(request, access.site.language, access.site.zone, access.clock.now())


def page(request: Request, name: str, status: int = 200, /, **values: Any) -> Response:
    """One of the pages of people."""
    access: Access = request.state.access
    here = f"{request.url.path.rpartition('/')[2]}?{request.url.query}".rstrip("?")
    always = {"site": access.site.id, "version": version(), "here": here}
    return answer(request, name, reader(request), status, **always, **values)


def refused(request: Request, status: int, sentence: str, **values: object) -> Response:
    """Why it does not go on."""
    said = reader(request).words.say(sentence, **values)
    if _is_for_people(request):
        return page(request, "notice.html", status, said=said)
    return JSONResponse({"error": said}, status)


def log_in(request: Request) -> Response:
    """To the login, and from there back to what was asked for."""
    if not _is_for_people(request):
        return refused(request, 401, LOG_IN)
    asked = f"{request.url.path.rpartition('/')[2]}?{request.url.query}".rstrip("?")
    back = f"?next={quote(asked, safe='')}" if asked and request.method == "GET" else ""
    return RedirectResponse(f"login{back}", 303)


def forbidden(request: Request, role: Role) -> Response:
    """For users of another role."""
    if request.state.open:
        return refused(request, 403, NO_USER_YET, command=FIRST_USER)
    if request.state.user is None:
        return log_in(request)
    return refused(request, 403, ONLY_ADMIN if role is Role.ADMIN else ONLY_OPERATOR)


def closed(request: Request) -> Response:
    """While the users cannot be read."""
    return refused(request, 503, CLOSED, command="hydrolog users")


def _is_for_people(request: Request) -> bool:
    return request.url.path.count("/") == 1 and "text/html" in request.headers.get("accept", "")
