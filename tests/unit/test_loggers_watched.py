"""Loggers inside a zone, watched: a fall near one of them, a drift of one of them, and what they show of a LEAK."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from logger_site import ZoneRows, days_after, learn_all
from outlier_site import UTC

from outliers.findings import Note
from outliers.logger_use import LoggerUse
from outliers.watch import logger_area
from outliers.watch.logger_watch import LoggerState, LoggerWatch

DAY = 1440
Found = tuple[str, str, str, int]  # logger, code, change, minute after the first row


@pytest.fixture(scope="module")
def uses() -> dict[str, LoggerUse]:
    return learn_all()


class Watched:
    """The loggers of the zone over some days; `notes` are those of each raise."""

    def __init__(self, uses: Mapping[str, LoggerUse], rows: ZoneRows, *, restart_every: int = 0) -> None:
        self.rows, self._uses = rows, uses
        self.watches = {logger: LoggerWatch(use, UTC) for logger, use in uses.items()}
        self.found: list[Found] = []
        self.notes: list[tuple[Note, ...]] = []
        self._restart_every = restart_every

    def run(self, first: int, last: int, *, leaks: bool = False, supply: bool = False) -> "Watched":
        rows = self.rows
        flow, inlet = rows.inlet.flow.tolist(), rows.inlet.pressure.tolist()
        bars = {logger: rows.loggers[logger].tolist() for logger in self.watches}
        for place in range(first, last):
            minute = rows.first + place
            if self._restart_every and place % self._restart_every == 0:
                self._restart()
            for logger, watch in self.watches.items():
                if not np.isnan(bars[logger][place]):
                    watch.on_minute(minute, flow[place], (inlet[place],), bars[logger][place])
            if minute % 60 == 20:
                for logger, seen in logger_area.on_hour("zone_a", self.watches, minute, leaks=leaks, supply=supply):
                    self.found.append((logger, seen.rule.code, seen.change.value, place))
                    self.notes += [seen.notes] if seen.notes else []
        return self

    def _restart(self) -> None:
        for logger, watch in self.watches.items():
            kept = msgspec.json.decode(msgspec.json.encode(watch.state), type=LoggerState)
            self.watches[logger] = LoggerWatch(self._uses[logger], UTC, kept)


def test_usual_days_say_nothing_also_while_the_zone_leaks(uses: Mapping[str, LoggerUse]) -> None:
    """A leak whose water all pipes carry is no event of one logger."""
    assert Watched(uses, days_after(8, leak=(4 * DAY, 8.0))).run(0, 8 * DAY).found == []


def test_a_fall_near_one_logger_is_told_there_and_ends(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(6)
    rows.lower(3 * DAY, {"102": 0.12}, 4 * DAY)
    seen = Watched(uses, rows).run(0, 6 * DAY)
    assert [each[:3] for each in seen.found] == [("102", "LOG-LOW", "began"), ("102", "LOG-LOW", "ended")]
    began, ended = (each[3] for each in seen.found)
    assert 3 * DAY < began <= 3 * DAY + 200 and 4 * DAY < ended < 4 * DAY + 480
    assert seen.notes == [(Note.LOGGER_ALONE, Note.ZONE_NO_LEAK)]


def test_of_one_event_only_the_logger_that_stands_out_is_told(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(8)
    rows.lower(3 * DAY, {"101": 0.05, "102": 0.09, "103": 0.25}, 6 * DAY)
    seen = Watched(uses, rows).run(0, 8 * DAY, leaks=True)
    assert [each[:3] for each in seen.found] == [("103", "LOG-LOW", "began"), ("103", "LOG-LOW", "ended")]
    assert seen.notes == [(Note.LOGGER_OTHERS, Note.ZONE_LEAK)]


def test_while_the_supply_has_stepped_nothing_is_raised_and_what_is_over_ends(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(5)
    rows.lower(2 * DAY, {"102": 0.12}, 3 * DAY)
    rows.lower(2 * DAY + 720, {"101": 0.3}, 4 * DAY)
    seen = Watched(uses, rows).run(0, 2 * DAY + 600).run(2 * DAY + 600, 4 * DAY + 300, supply=True)
    assert [each[:3] for each in seen.found] == [("102", "LOG-LOW", "began"), ("102", "LOG-LOW", "ended")]


def test_the_end_of_a_rise_is_no_fall(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(7)
    rows.lower(3 * DAY, {"102": -0.05}, 4 * DAY + 720)
    assert Watched(uses, rows).run(0, 7 * DAY).found == []


def test_a_fall_that_stays_becomes_the_level_and_no_drift(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(22)
    rows.lower(3 * DAY, {"102": 0.12})
    seen = Watched(uses, rows).run(0, 22 * DAY).found
    assert [each[:3] for each in seen] == [("102", "LOG-LOW", "began"), ("102", "LOG-LOW", "ended")]
    assert seen[1][3] - seen[0][3] == 14 * DAY


def test_a_fall_of_which_nothing_more_is_heard_ends_as_well(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(19)
    rows.lower(2 * DAY, {"102": 0.12})
    rows.loggers["102"][3 * DAY :] = np.nan
    seen = Watched(uses, rows).run(0, 19 * DAY).found
    assert [each[:3] for each in seen] == [("102", "LOG-LOW", "began"), ("102", "LOG-LOW", "ended")]


def drifting(*loggers: str) -> ZoneRows:
    rows = days_after(12)
    for logger in loggers:
        rows.loggers[logger][2 * DAY :] -= np.arange(10 * DAY) / DAY * 0.012
    return rows


def test_a_logger_that_drifts_while_the_others_agree_is_a_fault_of_it(uses: Mapping[str, LoggerUse]) -> None:
    seen = Watched(uses, drifting("102")).run(0, 12 * DAY)
    assert [each[:3] for each in seen.found] == [("102", "LOG-DRIFT", "began")]
    assert seen.notes == [(Note.LOGGERS_USUAL,)]


def test_where_all_wander_or_there_is_no_other_nothing_is_said(uses: Mapping[str, LoggerUse]) -> None:
    """Then the inlet's gauge may be the cause as well."""
    assert Watched(uses, drifting(*uses)).run(0, 12 * DAY).found == []
    assert Watched({"102": uses["102"]}, drifting("102")).run(0, 12 * DAY).found == []


@pytest.mark.parametrize("silent", [(), ("101", "103")])
def test_a_restart_at_any_minute_changes_nothing(uses: Mapping[str, LoggerUse], silent: tuple[str, ...]) -> None:
    rows = days_after(6)
    for logger in silent:
        rows.loggers[logger][2 * DAY + 100 :] = np.nan
    rows.lower(3 * DAY, {"102": 0.12}, 4 * DAY)
    whole = Watched(uses, rows).run(0, 6 * DAY)
    assert Watched(uses, rows, restart_every=7).run(0, 6 * DAY).found == whole.found != []


def test_a_leak_that_all_pipes_carry_is_confirmed_without_a_hint(uses: Mapping[str, LoggerUse]) -> None:
    seen = Watched(uses, days_after(4, leak=(3 * DAY, 8.0))).run(0, 3 * DAY + 300)
    says = logger_area.on_leak(seen.watches, seen.rows.first + 3 * DAY, 8.0)
    assert says is not None and says.notes == [Note.LOGGERS_AGREE] and says.point == ""
    assert says.numbers["loggers_share"] == pytest.approx(1.0, abs=0.3)


def test_a_leak_near_a_logger_says_where_to_look_first(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(4, leak=(3 * DAY, 8.0))
    rows.lower(3 * DAY, {"102": 0.03, "103": 0.08})
    seen = Watched(uses, rows).run(0, 3 * DAY + 300)
    says = logger_area.on_leak(seen.watches, rows.first + 3 * DAY, 8.0)
    assert says is not None and says.notes == [Note.LOGGERS_AGREE, Note.LOGGER_MOST] and says.point == "103"
    assert says.numbers["beyond_bar"] == pytest.approx(0.08, abs=0.02)


def test_a_noisy_logger_does_not_hide_the_one_that_fell_for_sure(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(4, leak=(3 * DAY, 8.0))
    rows.lower(3 * DAY, {"102": 0.05, "103": 0.08})
    noisy = {**uses, "103": replace(uses["103"], spread_bar=1.0)}
    seen = Watched(noisy, rows).run(0, 3 * DAY + 300)
    says = logger_area.on_leak(seen.watches, rows.first + 3 * DAY, 8.0)
    assert says is not None and says.point == "102"


def test_a_wrong_flow_meter_is_contradicted_by_the_loggers(uses: Mapping[str, LoggerUse]) -> None:
    rows = days_after(4)
    rows.inlet.flow[3 * DAY :] += 8.0
    seen = Watched(uses, rows).run(0, 3 * DAY + 300)
    says = logger_area.on_leak(seen.watches, rows.first + 3 * DAY, 8.0)
    assert says is not None and says.notes == [Note.LOGGERS_DISAGREE]
    assert says.numbers["loggers_share"] < 0.3


def test_what_is_too_small_to_show_is_said_to_be(uses: Mapping[str, LoggerUse]) -> None:
    seen = Watched(uses, days_after(4, leak=(3 * DAY, 0.02))).run(0, 3 * DAY + 300)
    says = logger_area.on_leak(seen.watches, seen.rows.first + 3 * DAY, 0.02)
    assert says is not None and says.notes == [Note.LOGGERS_UNKNOWN] and says.numbers == {}


def test_without_hours_nothing_is_known(uses: Mapping[str, LoggerUse]) -> None:
    seen = Watched(uses, days_after(1)).run(0, 120)
    assert logger_area.on_leak(seen.watches, seen.rows.first + 100, 8.0) is None
    assert logger_area.on_leak({}, seen.rows.first, 8.0) is None
