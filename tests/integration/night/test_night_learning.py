"""Criteria are learnt by themselves: three months after a sensor's first row, then every three months, by day."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from common import audit, state_file
from common.audit import Actor
from common.clock import FixedClock
from common.folder import CRITERIA_WANTED_FILE
from common.night import DEFAULT_HOURS, ReportHours
from common.refused import NotPossible
from common.runner import Context
from common.settings import Settings
from nightflow.learner import Learning, due
from nightflow.step import NightFlow
from outliers import criteria, relearning
from outliers.criteria import Criteria
from outliers.relearning import LearningProgress, Run, WishUnwritable

MakeSettings = Callable[..., Settings]
NOON = datetime(2024, 8, 26, 3, 30, tzinfo=UTC)  # 12:30 in Seoul

# Stands for `python -m outliers.learn`: says for which sensor it was called, and fails for one of them.
CHILD = (
    "import sys; n = sys.argv[-1]; open(sys.argv[1], 'a').write(n + '\\n'); "
    "sys.stderr.write('only 7 weeks\\n' * (n == '009')); sys.exit(4 * (n == '009'))"
)
KIM = Actor("Kim", "10.0.0.9")


def learnt(
    last: str, alarms_per_month: float = 0.3, hours: ReportHours = DEFAULT_HOURS, usual_spread: float = 0.1
) -> Criteria:
    night, use = SimpleNamespace(hours=hours), SimpleNamespace(hours=SimpleNamespace(usual_spread=usual_spread))
    return cast(Criteria, SimpleNamespace(last=last, alarms_per_month=alarms_per_month, night=night, use=use))


@pytest.mark.parametrize(
    ("current", "first_row", "expected"),
    [
        (None, date(2024, 5, 28), False),
        (None, date(2024, 5, 27), True),
        (learnt(""), date(2024, 5, 27), True),
        (learnt("2024-05-28"), date(2023, 1, 1), False),
        (learnt("2024-05-27"), date(2023, 1, 1), True),
        (learnt("2024-08-25", 0.3000001), date(2023, 1, 1), False),
        (learnt("2024-08-25", 0.1), date(2023, 1, 1), True),  # the operator has turned the knob
        (learnt("2024-08-25", hours=ReportHours(90, 210)), date(2023, 1, 1), True),  # of the night's hours
        (learnt("2024-08-25", usual_spread=0.0), date(2023, 1, 1), True),  # by an older version
    ],
)
def test_when_criteria_are_due(current: Criteria | None, first_row: date, expected: bool) -> None:
    assert due(current, first_row, date(2024, 8, 26), 0.3, DEFAULT_HOURS) is expected


class Box:
    def __init__(self, settings: Settings, url: str, calls: Path) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.calls = calls
        self.data = settings.paths.data
        self.context = Context(settings, FixedClock(NOON), threading.Event(), "nightflow")
        self.learning = self.started()

    def started(self) -> Learning:
        """Another start of the process."""
        return Learning(self.context, [sys.executable, "-c", CHILD, str(self.calls)])

    def sensor(self, name: str, days: int) -> None:
        first = NOON - timedelta(days=days)
        self.connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES (%s)", (name,))
        self.connection.execute("SELECT real_val_partition(%s)", (first,))
        self.connection.execute(
            "INSERT INTO REAL_VAL_TB (sensor, time, samples, log_id, log_offset) VALUES (%s, %s, 60, 'log', 1)",
            (name, first),
        )

    def plan(self, now: datetime) -> None:
        if self.learning.wants_look(now):
            with self.connection.cursor() as cursor:
                self.learning.plan(now, cursor)

    def finish(self, now: datetime) -> dict[str, Any]:
        deadline_s = time.monotonic() + 120
        while (state := dict(self.learning.look(now)))["criteria_waiting"]:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        return state

    def called(self) -> list[str]:
        return sorted(self.calls.read_text().split()) if self.calls.exists() else []


@pytest.fixture
def box(settings_for: MakeSettings, database_url: str, tmp_path: Path) -> Iterator[Box]:
    made = Box(settings_for(database__url=database_url), database_url, tmp_path / "calls")
    yield made
    made.learning.close()
    made.connection.close()


def test_sensors_with_three_months_of_rows_are_learnt_once_a_day(box: Box) -> None:
    box.sensor("001", days=100)
    box.sensor("002", days=20)
    box.sensor("003", days=100)
    box.plan(NOON)
    assert box.finish(NOON)["criteria_learnt"] == 2
    assert box.called() == ["001", "003"]
    box.plan(NOON + timedelta(hours=1))
    box.finish(NOON)
    assert box.called() == ["001", "003"]


def test_nothing_is_learnt_in_the_morning(box: Box) -> None:
    box.sensor("001", days=100)
    box.plan(NOON - timedelta(hours=4))
    box.finish(NOON)
    assert box.called() == []


def test_a_failed_run_is_tried_again_the_next_day(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.sensor("009", days=100)
    box.plan(NOON)
    assert box.finish(NOON)["criteria_learnt"] == 0
    assert "criteria_not_learnt" in caplog.text
    box.plan(NOON + timedelta(days=1))
    box.finish(NOON)
    assert box.called() == ["009", "009"]


def test_a_run_that_takes_too_long_is_ended(box: Box) -> None:
    box.sensor("001", days=100)
    box.learning._command[:] = [sys.executable, "-c", "import time; time.sleep(600)"]
    box.plan(NOON)
    assert box.learning.look(NOON)["criteria_waiting"] == 1
    assert box.finish(NOON + timedelta(hours=3))["criteria_learnt"] == 0


def test_what_people_ask_for_is_learnt_at_once_and_they_hear_of_it(box: Box) -> None:
    assert box.finish(NOON)["criteria_learnt"] == 0
    relearning.ask(box.data, KIM, ["007", "009"], NOON)
    with pytest.raises(NotPossible, match="Kim has asked"):
        relearning.ask(box.data, Actor("Lee"), ["007"], NOON)
    morning = NOON - timedelta(hours=4)
    later = morning + timedelta(days=1)
    assert box.finish(later)["criteria_learnt"] == 1
    assert box.called() == ["007", "009"]
    assert relearning.open_wish(box.data) is None
    assert relearning.progress(box.data).runs == {"007": Run(later), "009": Run(later, "only 7 weeks", short=True)}
    assert [entry.values for entry in audit.load(box.data)[0]] == [{"count": 2}]
    relearning.ask(box.data, KIM, ["007"], later)
    assert box.finish(later + timedelta(hours=1))["criteria_learnt"] == 2


def test_a_wish_outlives_the_process_and_what_is_done_is_not_done_again(box: Box) -> None:
    relearning.ask(box.data, KIM, ["006", "007"], NOON - timedelta(hours=2))
    relearning.store(box.data, LearningProgress(runs={"006": Run(NOON - timedelta(hours=1))}))
    box.learning.close()
    box.learning = box.started()
    box.finish(NOON)
    assert box.called() == ["007"] and relearning.open_wish(box.data) is None
    box.learning.close()
    box.learning = box.started()
    box.finish(NOON)
    assert box.called() == ["007"]


def test_a_full_disk_is_a_problem_of_the_step_and_the_wish_is_named_as_done_later(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    relearning.ask(box.data, KIM, ["007"], NOON - timedelta(hours=1))
    with monkeypatch.context() as full:
        full.setattr(state_file, "store", lambda *_: exec("raise OSError(28, 'full')"))
        with pytest.raises(WishUnwritable, match=r"cannot write .*criteria_learning\.json"):
            box.finish(NOON)
    assert relearning.open_wish(box.data) is not None
    box.finish(NOON)
    assert relearning.open_wish(box.data) is None and box.called() == ["007"]


@pytest.mark.parametrize("torn", [b"", b"{", b'{"id":"x","at":"2024-08-26T00:00:00","by":"K","sensors":["1"]}', b"[1]"])
def test_a_wish_that_cannot_be_read_is_none(box: Box, torn: bytes) -> None:
    (box.data / CRITERIA_WANTED_FILE).write_bytes(torn)
    assert box.finish(NOON)["criteria_waiting"] == 0
    relearning.ask(box.data, KIM, ["007"], NOON)
    box.finish(NOON)
    assert box.called() == ["007"]


def test_nightflow_asks_by_itself(
    settings_for: MakeSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step of the process finds the sensor, and its child ends refused: there is one row and no eight weeks."""
    settings = settings_for(database__url=database_url)
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", database_url)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(settings.paths.data))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001')")
        first = NOON - timedelta(days=120)
        connection.execute("SELECT real_val_partition(%s)", (first,))
        connection.execute(
            "INSERT INTO REAL_VAL_TB (sensor, time, samples, log_id, log_offset) VALUES ('001', %s, 60, 'log', 1)",
            (first,),
        )
    nightflow = NightFlow(Context(settings, FixedClock(NOON), threading.Event(), "nightflow"), lambda: None)
    try:
        assert nightflow.step(NOON)["criteria_waiting"] == 1
        deadline_s = time.monotonic() + 120
        while nightflow.step(NOON)["criteria_waiting"]:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
    finally:
        nightflow.close()
    assert criteria.load(settings.paths.data / "criteria", "001") is None
    assert relearning.progress(settings.paths.data).runs["001"].short
