"""One incident on two phones at once, from its first sign to its close: what one does, the other sees.

A real server, two browsers, and a database that goes away in between.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from access_site import PASSWORD, make_user
from database_site import away
from page_site import NOW, PATIENCE_MS
from receiver_process import ReceiverProcess

from common.clock import minute_of
from incidents import acts, book
from incidents.book import Book
from outliers.findings import CLEAR, RAISE, End, Finding
from server.access.roles import Role

A, B = "김현장", "Brandt"
BEGAN = minute_of(NOW) - 90
INCIDENT = ".incident"
HEAD = ".incident-page h1"


class Pipe:
    """What the producer finds at sensor 001, as it stores it."""

    def __init__(self, data: Path) -> None:
        self._data, self._book = data, Book("site-1")
        self.finds()

    def finds(self, *found: Finding) -> None:
        self._book.on_findings(found)
        book.store(self._data, self._book)


def finding(code: str, severity: str, ago: int, state: str = RAISE, end: str = "") -> Finding:
    """Of the flow at 001, `ago` minutes ago."""
    minute = minute_of(NOW) - ago
    since = BEGAN if state == RAISE else minute
    numbers = {"rise_m3h": 9.3} if state == RAISE else {}
    return Finding("001", minute, since, "flow", "PREDICT", code, "leak", severity, state, numbers, end=end)


WATCH = [finding("PRE-STEP", "watch", 60)]
LEAK = [finding("PRE-STEP", "watch", 20, CLEAR, End.LEAK), finding("LEAK", "leak", 20)]
OVER = [finding("LEAK", "leak", 1, CLEAR, End.FELL)]


@pytest.fixture
def pipe(server: ReceiverProcess) -> Pipe:
    make_user(server.data, "Lee")
    make_user(server.data, A, Role.OPERATOR)
    make_user(server.data, B, Role.OPERATOR)
    return Pipe(server.data)


@contextmanager
def phone(browser: Any, server: ReceiverProcess, name: str, language: str) -> Iterator[Any]:
    """Somebody's phone, logged in, with the first page open."""
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{server.port}/",
        viewport={"width": 390, "height": 844},
        locale=language,
        has_touch=True,
        is_mobile=True,
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_selector("#no-incidents")
    try:
        yield page
    finally:
        context.close()


@pytest.fixture
def phones(browser: Any, server: ReceiverProcess, pipe: Pipe) -> Iterator[tuple[Any, Any]]:
    with phone(browser, server, A, "ko-KR") as a, phone(browser, server, B, "en-GB") as b:
        yield a, b


def shows(page: Any, selector: str, words: str) -> None:
    """The part says so now, or as soon as the server tells the open page."""
    page.locator(selector, has_text=words).first.wait_for()


def open_incident(page: Any) -> None:
    page.locator(f"{INCIDENT} summary").tap()
    page.locator(f"{INCIDENT} details p a").tap()
    page.wait_for_selector(HEAD)


def do(page: Any, act: acts.Do, said: str) -> None:
    page.locator(f"#act [value={act}]").tap()
    shows(page, "#said", said)


@contextmanager
def at_the_same_moment(page: Any) -> Iterator[None]:
    """What this page sends in the block reaches the server only after the block."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/incident", hold, times=1)
    with page.expect_request("**/incident"):
        yield
    held[0].continue_()


def test_an_incident_from_its_first_sign_to_its_close(
    phones: tuple[Any, Any], pipe: Pipe, server: ReceiverProcess, postgres_url: str, database_url: str
) -> None:
    a, b = phones
    first_sign_and_acknowledgement(a, b, pipe)
    note_while_it_becomes_a_leak(a, b, pipe)
    without_the_database(a, b, postgres_url, database_url)
    both_at_once(a, b)
    close(a, b, pipe)
    did = [(act.by, str(act.do), act.text) for act in acts.load(server.data).known if act.incident.startswith("001-")]
    assert did[-5:] == [
        (A, "acknowledge", ""),
        (B, "note", "valve 7 is shut"),
        (A, "note", "굴착 시작"),
        (A, "shelve", ""),
        (A, "close", "관 교체"),
    ]


def first_sign_and_acknowledgement(a: Any, b: Any, pipe: Pipe) -> None:
    pipe.finds(*WATCH)
    shows(a, INCIDENT, "[주의] Mill Lane")
    shows(b, INCIDENT, "[watch] Mill Lane")
    open_incident(a)
    do(a, acts.Do.ACKNOWLEDGE, "확인 처리했습니다.")
    shows(b, f"{INCIDENT} [data-part=life]", f"Acknowledged by {A}")


def note_while_it_becomes_a_leak(a: Any, b: Any, pipe: Pipe) -> None:
    """What is told, and what the other writes, comes into a page in which somebody is writing."""
    a.fill("[name=text]", "굴착 시작")
    pipe.finds(*LEAK)
    shows(b, INCIDENT, "[leak suspected] Mill Lane")
    shows(a, HEAD, "[누수 의심] Mill Lane")
    open_incident(b)
    b.fill("[name=text]", "valve 7 is shut")
    do(b, acts.Do.NOTE, "The note is stored.")
    shows(a, ".history li", "valve 7 is shut")
    assert a.input_value("[name=text]") == "굴착 시작"


def without_the_database(a: Any, b: Any, postgres_url: str, database_url: str) -> None:
    """The page says so, and what is done meanwhile is stored and seen."""
    b.goto(".")
    b.locator("#hero-more summary").tap()
    gone = "Database: no answer"
    with away(postgres_url, database_url):
        shows(b, "#hero", gone)
        do(a, acts.Do.NOTE, "메모를 저장했습니다.")
        b.reload()
        open_incident(b)
        shows(b, ".history li", "굴착 시작")
        b.goto(".")
        shows(b, "#hero", gone)
    b.locator("#hero", has_text=gone).wait_for(state="detached")
    open_incident(b)
    shows(b, ".history li", "굴착 시작")


def both_at_once(a: Any, b: Any) -> None:
    """The first is done; the other is told by whom, and loses nothing that was typed."""
    b.fill("[name=text]", "I look after it")
    with at_the_same_moment(b):
        b.locator("#act [value=acknowledge]").click(no_wait_after=True)
        do(a, acts.Do.SHELVE, "보류했습니다.")
    shows(b, "#problem", f"Meanwhile {A} has changed it, so nothing was changed.")
    assert b.input_value("[name=text]") == "I look after it"
    shows(b, "#life", f"Shelved by {A}")


def close(a: Any, b: Any, pipe: Pipe) -> None:
    pipe.finds(*OVER)
    shows(a, HEAD, "[누수 의심 해소] Mill Lane")
    shows(b, HEAD, "[leak suspected: over] Mill Lane")
    a.select_option("[name=cause]", "repaired")
    a.fill("[name=text]", "관 교체")
    do(a, acts.Do.CLOSE, "종결했습니다.")
    shows(b, "#life", f"Closed by {A}")
    shows(b, "#life", "cause: leak repaired")
    shows(b, ".history li", "관 교체")
    b.locator("#act [value=acknowledge]").wait_for(state="detached")
