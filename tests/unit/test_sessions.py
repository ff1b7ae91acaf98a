"""Sessions over weeks: a clock that a test moves, and requests without a server."""

import errno
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from access_site import make_user
from alerts_box import HandClock
from starlette.requests import Request

from common.audit import Actor
from common.settings import SiteSettings
from server.access import changes, sessions, users
from server.access.access import Access
from server.access.visit import Visit

Come = Callable[[str], Visit]


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime.now(UTC))


@pytest.fixture
def come(tmp_path: Path, clock: HandClock) -> Come:
    """A request with a cookie."""
    make_user(tmp_path, "Kim")
    access = Access(tmp_path, SiteSettings(), clock)

    def made(cookie: str) -> Visit:
        headers = [(b"host", b"box"), (b"cookie", cookie.encode())]
        visit = Visit(Request({"type": "http", "path": "/", "scheme": "http", "headers": headers}), access)
        visit.read()
        return visit

    return made


def written(visit: Visit, before: str = "") -> str:
    """The cookie that the browser has then."""
    return visit.cookie().partition(";")[0] or before


def logged_in(come: Come, data: Path) -> str:
    visit = come("")
    visit.begin(users.load(data)[users.same("Kim")])
    return written(visit)


def test_a_session_lasts_while_somebody_comes(come: Come, clock: HandClock, tmp_path: Path) -> None:
    cookie = logged_in(come, tmp_path)
    for _ in range(3):
        clock.pass_(seconds=sessions.LASTS_S - 60)
        visit = come(cookie)
        assert visit.user() is not None
        cookie = written(visit, cookie)
    clock.pass_(seconds=sessions.LASTS_S + 60)
    assert come(cookie).user() is None


def test_a_copy_of_an_ended_session_does_not_come_back_to_life(come: Come, clock: HandClock, tmp_path: Path) -> None:
    copy = logged_in(come, tmp_path)

    def log_out(cookie: str) -> None:
        now_s = int(clock.now().timestamp())
        changes.end_session(tmp_path, Actor("Kim"), come(cookie).end(), now_s, sessions.LASTS_S)

    log_out(copy)
    for _ in range(2 * sessions.LASTS_S // 86400):
        clock.time += timedelta(days=1, minutes=1)
        visit = come(copy)
        assert visit.user() is None
        copy = written(visit, copy)
    log_out(logged_in(come, tmp_path))  # what was ended long ago is forgotten
    assert come(copy).user() is None


def test_a_disk_that_fails_for_a_moment_closes_the_page_for_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user(tmp_path, "Kim")
    known = users.Users(tmp_path)

    def failing(*_: object) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as moment:
        moment.setattr(Path, "open", failing)
        with pytest.raises(users.UsersUnusable, match="Too many open files"):
            known.now()
    assert known.find("Kim") is not None


def test_each_page_has_a_token_of_its_own_and_all_of_a_session_are_good(come: Come, tmp_path: Path) -> None:
    """Else a page's compressed length could tell it, character by character."""
    cookie = logged_in(come, tmp_path)
    one, other = come(cookie).token(), come(cookie).token()
    assert one[64:] != other[64:] and one[:64] != other[:64]
    visit = come(cookie)
    assert visit.is_token(one) and visit.is_token(other)
    assert not come(logged_in(come, tmp_path)).is_token(one)
    for wrong in ("", one[:-2], one + "00", one[:64], one[:-1] + "g", one[:64] + other[64:], "가" * 64, "0" * 128):
        assert not visit.is_token(wrong)
