"""The delivery is killed before and after each of its effects in turn, until it gets through without a kill.

An effect is whatever another process could see: the frozen batch, the POST, the refused row, the count, the commit,
the outbox that goes, the log that is reset.
"""

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from http_server import HttpServer, Request, accept, at_most, drop_after_keeping, in_turn, refuse_offsets

from common.clock import FixedClock, minute_of
from common.errors import HydrologError
from common.row import Row, format_payload
from common.runner import Context
from common.settings import SERVER_TOKEN, Settings
from consumer import outbox
from consumer.delivery import Delivery
from consumer.post import Poster
from consumer.rejected import Rejected, load_all
from log import commits
from log.file import FileLog
from log.group import FileGroup
from log.roles import open_for

START = datetime(2024, 8, 26, 7, 30, tzinfo=UTC)
ROWS = 25
EFFECTS: list[tuple[Any, str]] = [
    (outbox, "store"),
    (outbox, "remove"),
    (Poster, "post"),
    (FileGroup, "commit"),
    (FileLog, "trim"),
    (Rejected, "put"),
    (Rejected, "clear"),
]


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


class Assassin:
    """Kills at the n-th visible moment: each effect has one before it and one after it."""

    def __init__(self, patch: pytest.MonkeyPatch, moment: int) -> None:
        self.left = moment
        for owner, name in EFFECTS:
            patch.setattr(owner, name, self._watched(getattr(owner, name)))

    def _watched(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any) -> Any:
            self._moment()
            result = effect(*args)
            self._moment()
            return result

        return watched

    def _moment(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def fill(settings: Settings) -> None:
    log = open_for(settings)
    first = minute_of(START)
    zone = settings.site.zone
    log.append([format_payload(Row(first + n, "001", n / 10, 4.1, 60), zone) for n in range(ROWS)])
    log.close()


def run(settings: Settings) -> None:
    """What a process does until it is killed: steps, with time for its retries."""
    clock = FixedClock(START + timedelta(hours=1))
    worker = Delivery(Context(settings, clock, threading.Event(), "consumer-server"))
    try:
        for _ in range(5):
            try:
                worker.step(clock.at)
            except HydrologError:
                worker._not_before_s = 0.0  # as if the wait were over
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("behaviour", "refused"),
    [
        (lambda: accept, []),
        (lambda: in_turn(drop_after_keeping, accept, drop_after_keeping, accept), []),
        (lambda: at_most(4), []),
        (lambda: refuse_offsets(13), [13]),
    ],
    ids=["accepts", "loses-answers", "takes-four", "refuses-one"],
)
def test_killed_at_any_moment_every_row_arrives_once_and_in_order(
    settings_for: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    behaviour: Callable[[], Any],
    refused: list[int],
) -> None:
    monkeypatch.setenv(SERVER_TOKEN, "t0ken")
    moment, killed = 0, True
    while killed:
        moment += 1
        data = tmp_path_factory.mktemp("data")
        with HttpServer(behaviour()) as server:
            settings = settings_for(
                paths__data=data, server__url=server.url, log__groups="server", server__timeout_seconds=5
            )
            fill(settings)
            with monkeypatch.context() as patch:
                killer = Assassin(patch, moment)
                with contextlib.suppress(Killed):
                    run(settings)
                killed = killer.left <= 0
            run(settings)
            due = [offset for offset in range(ROWS) if offset not in refused]
            assert server.arrivals == due, f"killed at moment {moment}"
            assert not server.conflicts, f"killed at moment {moment}"
            assert [row.parcel.first for row in load_all(data)] == refused
            assert commits.read(data, "server") == ROWS
            assert not (data / "outbox.tsv").exists()
            assert len((data / "server_data.txt").read_text().splitlines()) == 1
    assert moment > 20  # it did kill


def test_the_scripted_server_would_notice_other_bytes() -> None:
    """A test of the test: a row that is sent again with another text is a conflict."""
    with HttpServer(accept) as server:
        server.keep(Request("/", {"idempotency-key": "s/log/1-1"}, b"1\ta\n"))
        server.keep(Request("/", {"idempotency-key": "s/log/1-1"}, b"1\tb\n"))
        assert server.conflicts
        assert server.arrivals == [1]
