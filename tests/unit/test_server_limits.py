"""The receiver's limits: whose place is taken, how many descriptors are kept, which charts and lines are left out."""

import asyncio
import logging
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from common.clock import SystemClock
from common.errors import ChartsBusy, DatabaseDown
from common.logging_setup import MOST_LINES
from common.messages import words
from common.settings import Settings
from server import log_limit
from server.charts import MAX_CHARTS, MAX_OF_ADDRESS, Charts
from server.connections import Connection, Places, network
from server.credentials import Credentials
from server.front import MOST_BOXES
from server.ingest import Ingest
from server.listener import MAX_CONNECTIONS, shares
from server.quotas import Quotas
from server.reader import Reader
from server.screens import Screens
from server.site_tokens import SiteTokens
from server.store import InDatabase


class Client:
    """A connection as far as the places look at it."""

    def __init__(self, address: str, busy: bool = False, trusted: bool = False) -> None:
        self.address, self.busy, self.trusted, self.cycle = address, busy, trusted, None
        self.transport = self
        self.is_open = True

    def abort(self) -> None:
        self.is_open = False


def left(*clients: Client, places: int) -> list[int]:
    """Which of them had to leave, in order of their coming."""
    kept = Places(places)
    for client in clients:
        kept.take(cast(Connection, client))
    return [number for number, client in enumerate(clients) if not client.is_open]


def test_the_oldest_silent_connection_leaves_first_of_the_address_that_holds_most() -> None:
    few, many = "10.0.0.1", "10.0.0.2"
    assert left(Client(few), Client(few), Client(few), places=2) == [0]
    assert left(Client(few), Client(many), Client(many), Client(many), places=3) == [1]
    assert left(Client(few), Client(many, busy=True), Client(many, busy=True), places=2) == [0]
    assert left(Client(few, busy=True), Client(many, busy=True), Client(many, busy=True), places=2) == [1]
    assert left(Client(few, True, True), Client(few, True, True), Client(many), places=2) == [2]
    assert left(Client(few, True, True), Client(few, True, True), Client(few, True, True), places=2) == [2]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["come", "leave", "answered"])), max_size=60))
def test_who_leaves_is_of_the_address_that_holds_most_whatever_came_before(steps: list[tuple[str, str]]) -> None:
    places, there = Places(100), list[Client]()
    for address, what in steps:
        of_address = [client for client in there if client.address == address]
        if what == "come":
            there.append(Client(address))
            places.take(cast(Connection, there[-1]))
        elif of_address:
            first = of_address[0]
            there.remove(first)
            if what == "leave":
                places.leave(cast(Connection, first))
            else:
                places.answered(cast(Connection, first))
                there.append(first)
    most = Counter(client.address for client in there)
    if there:
        goes = cast(Client, places._least_missed())
        assert most[goes.address] == max(most.values())
        assert goes is next(client for client in there if client.address == goes.address)


def test_who_has_just_been_answered_leaves_after_those_that_never_asked() -> None:
    places = Places(2)
    browser, silent, newcomer = (cast(Connection, Client("10.0.0.1")) for _ in range(3))
    places.take(browser)
    places.take(silent)
    places.answered(browser)
    places.take(newcomer)
    assert [cast(Client, one).is_open for one in (browser, silent, newcomer)] == [True, False, True]
    assert places.counters["crowded_out"] == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
    ],
)
def test_an_address_counts_as_what_one_client_can_choose_from(address: str, shown: str) -> None:
    assert network(address) == shown


@given(descriptors=st.integers(min_value=256, max_value=100_000), most=st.sampled_from([MAX_CONNECTIONS, MOST_BOXES]))
def test_the_places_leave_descriptors_for_everything_else(descriptors: int, most: int) -> None:
    backlog, places = shares(descriptors, most)
    assert backlog > 0 and 0 < places <= most
    assert places + 3 * backlog + 64 <= descriptors


@pytest.mark.parametrize(("token", "trusted"), [("right", True), ("wrong", False)])
def test_a_request_is_trusted_from_its_token_on(token: str, trusted: bool, tmp_path: Path) -> None:
    class Slow:
        """A connection in the middle of this request."""

        busy = True

        def __init__(self, scope: dict[str, Any]) -> None:
            self.scope = scope

    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "headers": headers, "state": {}}
    assert Connection.trusted.fget(Slow(scope)) is False  # type: ignore[attr-defined]
    keeper = InDatabase(cast(Any, None), Settings())
    ingest = Ingest(keeper, Credentials("right", SiteTokens(tmp_path)), Quotas(0), SystemClock())
    asyncio.run(ingest(Request(scope)))
    assert Connection.trusted.fget(Slow(scope)) is trusted  # type: ignore[attr-defined]


class Desk:
    """A database that answers when told."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()

    async def ask(self, work: Any) -> Any:
        self.asked += 1
        await self.answers.wait()
        return work(None)


class Asking:
    """A request of a browser, as far as the charts look at it."""

    def __init__(self, address: str) -> None:
        self.state, self.address = self, address


async def asked(charts: Charts, question: object, host: str = "10.0.0.1") -> Any:
    return await charts.answer(cast(Any, Asking(host)), cast(Any, question), lambda _: {"question": str(question)})


async def started(charts: Charts, questions: list[object], host: str) -> list["asyncio.Task[Any]"]:
    tasks = [asyncio.create_task(asked(charts, question, host)) for question in questions]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_a_question_is_answered_once_for_all_who_ask() -> None:
    async def run() -> None:
        desk = Desk()
        charts = Charts(cast(Any, desk))
        tasks = await started(charts, ["same"] * 50, "10.0.0.1")
        desk.answers.set()
        assert {(await task).body for task in tasks} == {b'{"question":"same"}'}
        assert (await asked(charts, "same")).status_code == 200
        assert desk.asked == 1
        await asked(charts, "another")
        assert desk.asked == 2

    asyncio.run(run())


def test_no_address_and_not_all_together_take_every_place() -> None:
    async def run() -> None:
        desk = Desk()
        charts = Charts(cast(Any, desk))
        greedy = await started(charts, list(range(100)), "10.0.0.1")
        other = await started(charts, list(range(100, 200)), "10.0.0.2")
        third = await started(charts, list(range(200, 300)), "10.0.0.3")
        desk.answers.set()
        answers = [await asyncio.gather(*tasks) for tasks in (greedy, other, third)]
        answered = [[answer.status_code for answer in some].count(200) for some in answers]
        assert answered == [MAX_OF_ADDRESS, MAX_CHARTS - MAX_OF_ADDRESS, 0]
        for question in range(300, 400):  # answers that are kept take no place
            assert (await asked(charts, question)).status_code == 200

    asyncio.run(run())


def test_a_failed_answer_is_said_to_all_who_ask() -> None:
    async def run() -> None:
        class Away(Desk):
            async def ask(self, work: Any) -> Any:
                raise DatabaseDown

        charts = Charts(cast(Any, Away()))
        assert {(await task).status_code for task in await started(charts, ["same"] * 3, "a")} == {503}

    asyncio.run(run())


def test_an_open_page_keeps_its_table_while_too_many_charts_are_asked_for() -> None:
    class Busy:
        async def content(self, *_: Any) -> Any:
            raise ChartsBusy

    request = Request({"type": "http", "query_string": b"", "state": {"figures": ("1", "the table")}})
    entry = {"sensor": "001", "name": "", "version": "2"}
    screens = Screens(cast(Any, None), cast(Any, Busy()))
    reader = Reader(words("en"), ZoneInfo("UTC"), datetime.now(UTC))
    assert asyncio.run(screens._figures(request, reader, entry)) == "the table"


def test_lines_of_one_event_are_counted_and_let_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    limit = log_limit.LogLimit()

    def line(number: int) -> str | None:
        record = logging.LogRecord("server", logging.WARNING, "server/x.py", number, "refused n=%d", (number,), None)
        return record.getMessage() if limit.filter(record) else None

    assert [line(7) for _ in range(30)] == ["refused n=7"] * MOST_LINES + [None] * (30 - MOST_LINES)
    assert line(8) == "refused n=8"
    now_s += limit.window_s
    assert line(7) == f"refused n=7 left_out_before={30 - MOST_LINES}"
    assert line(7) == "refused n=7"
