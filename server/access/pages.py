"""The pages of people: log in and out, one's own password, and the users."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from common.audit import Actor, AuditUnwritable
from common.errors import HydrologError
from common.logging_setup import quoted
from common.messages import message
from common.refused import Refused
from server.access import answers, changes, passwords, sessions
from server.access.access import Access, LoginRefused
from server.access.guard import needs
from server.access.roles import ROLES, Role
from server.access.users import UsersUnusable
from server.attempt import DONE, MOST_TYPED, NOT_WRITTEN, Outcome, actor, attempt, said, typed
from server.screens import way_back

NOT_TWICE = message("The two new passwords are not the same.")
NO_ROLE = message("This role is not known.")

SAID = {
    "add": message("The user is made, and can log in."),
    "role": message("The role is set."),
    "password": message("The password is set. All sessions of this user have ended."),
    "remove": message("The user is removed."),
}

FAILED = (Refused, UsersUnusable, AuditUnwritable)

Sentence = tuple[str, Mapping[str, object]]

_log = logging.getLogger(__name__)


def routes() -> list[Route]:
    """Where they are."""
    return [
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/password", password, methods=["GET", "POST"]),
        Route("/users", people, methods=["GET", "POST"]),
    ]


async def login(request: Request) -> Response:
    """The form, and what it sends."""
    form, access = request.state.form, _access(request)
    if request.method != "POST":
        if request.state.open:
            return answers.refused(request, 200, answers.NO_USER_YET, command=answers.FIRST_USER)
        return answers.page(request, "login.html", next=request.query_params.get("next", ""), problem="", name="")
    name, next_ = form.get("name", "")[:MOST_TYPED], form.get("next", "")
    known = access.users.find(name)
    try:
        browser = request.state.visit.browser_of(known)
        account = await access.check(name, form.get("password", "")[:MOST_TYPED], request.state.address, browser)
    except LoginRefused as refused:
        answer = answers.page(
            request, "login.html", refused.status, next=next_, problem=_said(request, _sentence(refused)), name=name
        )
        if refused.wait_s:
            answer.headers["Retry-After"] = str(math.ceil(refused.wait_s))
        return answer
    request.state.visit.begin(account)
    await access.note(account.name, request.state.address, "login")
    return RedirectResponse(way_back(next_), 303)


async def logout(request: Request) -> Response:
    """End this session, or all of this user."""
    user, access = request.state.user, _access(request)
    ended = request.state.visit.end()
    if user is not None:
        actor = Actor(user.name, request.state.address)
        try:
            if request.state.form.get("everywhere"):
                await asyncio.to_thread(changes.end_sessions, access.data, actor)
            else:
                now_s = int(access.clock.now().timestamp())
                await asyncio.to_thread(changes.end_session, access.data, actor, ended, now_s, sessions.LASTS_S)
        except FAILED as error:
            _log.warning("logged_out_here_only problem=%s", quoted(str(error)))
    return RedirectResponse("login", 303)


@needs(Role.VIEWER)
async def password(request: Request) -> Response:
    """One's own password."""
    user = request.state.user
    if user is None:
        return answers.forbidden(request, Role.VIEWER)
    if request.method != "POST":
        return answers.page(request, "password.html", problem="")
    try:
        problem = await _change_own(request, user.name)
    except LoginRefused as refused:
        problem = _sentence(refused)
    if problem:
        return answers.page(request, "password.html", 400, problem=_said(request, problem))
    return RedirectResponse(".", 303)


async def _change_own(request: Request, name: str) -> Sentence | None:
    form, access, visit = request.state.form, _access(request), request.state.visit
    now, new = (form.get(field, "")[:MOST_TYPED] for field in ("now", "new"))
    account = await access.check(name, now, request.state.address, visit.browser_of(access.users.find(name)))
    if new != form.get("again", ""):
        return NOT_TWICE, {}
    if problem := passwords.problem(new, (name, access.site.id)):
        return problem, {}
    kept = await access.hashing(passwords.hashed, new)

    actor = Actor(account.name, request.state.address)
    try:
        changed = await asyncio.to_thread(changes.set_password, access.data, actor, account.name, kept)
    except FAILED as error:
        return _sentence(error)
    visit.begin(changed)
    return None


@needs(Role.ADMIN)
async def people(request: Request) -> Response:
    """The users; only for admins."""
    done = await _change(request) if request.method == "POST" else DONE
    if request.method == "POST" and done is DONE:
        do = request.state.form.get("do", "")
        return RedirectResponse(f"users?done={do}" if do in SAID else "users", 303)
    return answers.page(
        request,
        "users.html",
        done.status,
        known=sorted(_access(request).users.now().values(), key=lambda account: account.name.casefold()),
        roles=[*ROLES],
        said=said(request, answers.reader(request), SAID),
        wrong=done.wrong,
        typed=typed(request, "do", "name", "role"),
    )


async def _change(request: Request) -> Outcome:
    """What an admin does to a user."""
    form, access, reader = request.state.form, _access(request), answers.reader(request)
    do, name, role, new = (form.get(field, "")[:MOST_TYPED] for field in ("do", "name", "role", "password"))
    if do in ("add", "role") and role not in ROLES:
        return Outcome(422, {"role": reader.words.say(NO_ROLE)})
    if do in ("add", "password") and (problem := passwords.problem(new, (name, access.site.id))):
        return Outcome(422, {"password": reader.words.say(problem)})
    kept = await access.hashing(passwords.hashed, new) if do in ("add", "password") else ""
    data, by = access.data, actor(request)
    work: dict[str, Callable[[], object]] = {
        "add": lambda: changes.add(data, by, name, ROLES[role], kept=kept, at=access.clock.now()),
        "role": lambda: changes.set_role(data, by, name, ROLES[role], seen=form.get("seen", "")),
        "password": lambda: changes.set_password(data, by, name, kept),
        "remove": lambda: changes.remove(data, by, name),
    }
    return await attempt(work.get(do, lambda: None), reader)


def _access(request: Request) -> Access:
    access: Access = request.state.access
    return access


def _sentence(error: HydrologError) -> Sentence:
    """What went wrong, for the catalogues."""
    if isinstance(error, Refused):
        return error.sentence, error.values
    if isinstance(error, LoginRefused):
        return error.sentence, {"minutes": math.ceil(error.wait_s / 60)} if error.wait_s else {}
    _log.warning("not_written problem=%s", quoted(str(error)))
    return NOT_WRITTEN, {}


def _said(request: Request, sentence: Sentence) -> str:
    english, values = sentence
    return answers.reader(request).words.say(english, **values)
