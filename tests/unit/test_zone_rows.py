"""Zones: the formula, and the minute's sum, which is there once, right, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import checks_zones
from common.clock import minute_start
from common.errors import SettingsError
from common.row import Row
from common.settings import load
from common.zones import parse, read_zones
from log import mark
from log.mark import Mark
from producer.minute_mean import MinuteMean
from producer.zones import WAIT_MIN, ZoneMinutes, rows_of

T = 28_744_293  # 2024-08-26T16:33:00+09:00
ZONES = read_zones({"zone_a": "001 + 002 - 003", "zone_b": "003 + 004"}, ())
METERS = ("001", "002", "003", "004")

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,31}", fullmatch=True)


@given(st.lists(st.tuples(ids, st.sampled_from("+-")), min_size=2, max_size=8, unique_by=lambda part: part[0]))
def test_a_formula_is_read_as_it_is_written(parts: list[tuple[str, str]]) -> None:
    parts[0] = (parts[0][0], "+")
    formula = " ".join(f"{sign} {sensor}" for sensor, sign in parts)
    zone = parse("a.zone", formula)
    assert [(sensor, "+" if sign > 0 else "-") for sensor, sign in zone.signs.items()] == parts
    assert parse("a.zone", zone.formula) == parse("a.zone", formula.removeprefix("+ ")) == zone
    assert zone.inlets == tuple(sensor for sensor, sign in parts if sign == "+")


@given(st.text(st.sampled_from("01-+ .a\t\n"), max_size=12) | st.text(max_size=12))
def test_what_is_no_formula_is_refused_in_one_line_and_nothing_else(text: str) -> None:
    try:
        zone = parse("zone_a", text)
    except SettingsError as error:
        assert str(error).startswith("zones.zone_a: ")
        assert "\n" not in str(error)
    else:
        assert parse("zone_a", zone.formula) == zone


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"zone_a": "001+002"}, "between blanks"),
        ({"zone_a": "001 002"}, "between blanks"),
        ({"zone_a": "001 + -002"}, "between blanks"),
        ({"zone_a": "001 +"}, "between blanks"),
        ({"zone_a": ""}, "between blanks"),
        ({"zone_a": "001 - 001"}, "twice"),
        ({"zone_a": "001"}, "2 to 64"),
        ({"zone_a": " + ".join(f"m{n}" for n in range(65))}, "2 to 64"),
        ({"zone_a": "- 001 - 002"}, "nothing would flow in"),
        ({"zone_a": ["001", "002"]}, "in quotes"),
        ({"zone": {"a": "001 + 002"}}, "with a dot"),
        ({"a zone": "001 + 002"}, "name has 1 to 32"),
        ({"구역": "001 + 002"}, "name has 1 to 32"),
        ({"zone_a": "001 + 002", "zone_b": "zone_a + 003"}, "write its meters instead: 001 \\+ 002"),
        ({"zone_a": "zone_a + 003"}, "is a zone"),
        ({"002": "001 + 003"}, "is a meter's id already"),
    ],
)
def test_what_is_no_zone_is_named(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_zones(raw, ["001", "002"])


def test_a_zone_of_a_described_meter_s_name_stops_the_start() -> None:
    format_ = {"HYDROLOG_LINE__FORMAT__SENSOR": "001"}
    assert load(None, format_ | {"HYDROLOG_ZONES__A": "001 + 002"}).zones["a"].formula == "001 + 002"
    with pytest.raises(SettingsError, match=r"^zones\.001: "):
        load(None, format_ | {"HYDROLOG_ZONES__001": "002 + 003"})


def row(minute: int, sensor: str, flow: float | None, flags: str = "0000", samples: int = 60) -> Row:
    return Row(minute, sensor, flow, 4.0, samples, flags)


def flows(means: list[MinuteMean]) -> list[tuple[int, str, float | None]]:
    return [(mean.minute, mean.sensor, mean.flow) for mean in means]


def test_a_zone_s_minute_is_the_sum_as_soon_as_all_its_meters_have_closed_it() -> None:
    zones = ZoneMinutes(ZONES)
    assert zones.means([row(T, "001", 8.0), row(T, "002", 3.5, samples=12)]) == []
    assert zones.waits
    assert zones.means([row(T, "003", 1.25)]) == [MinuteMean(T, "zone_a", 10.25, None, 12)]
    assert flows(zones.means([row(T, "004", 1.0)])) == [(T, "zone_b", 2.25)]
    assert not zones.waits


@pytest.mark.parametrize("lost", [row(T, "002", None), row(T, "002", 99.0, "R000"), row(T, "002", 8.0, "K000")])
def test_without_a_flow_that_is_believed_there_is_no_minute(lost: Row) -> None:
    zones = ZoneMinutes(ZONES)
    assert zones.means([row(T, "001", 8.0), lost, row(T, "003", 1.0)]) == []
    leak = row(T + 1, "002", 8.0, "0L00")
    assert flows(zones.means([row(T + 1, "001", 8.0), leak, row(T + 1, "003", 1.0)])) == [(T + 1, "zone_a", 15.0)]


def test_a_meter_that_is_too_slow_costs_its_minutes_and_no_memory() -> None:
    zones = ZoneMinutes(ZONES)
    for minute in range(T, T + 500):
        assert zones.means([row(minute, "001", 8.0), row(minute, "002", 1.0)]) == []
        assert sum(map(len, zones.to_state()["parts"].values())) <= 2 * WAIT_MIN
    assert zones.means([row(T + 499 - WAIT_MIN, "003", 1.0)]) == []
    slowest = T + 500 - WAIT_MIN
    assert flows(zones.means([row(slowest, "003", 1.0)])) == [(slowest, "zone_a", 8.0)]


def test_after_a_standstill_each_minute_has_its_sum() -> None:
    backlog = [row(minute, meter, 1.0) for minute in range(T, T + 100) for meter in ("001", "002", "003")]
    assert flows(ZoneMinutes(ZONES).means(backlog)) == [(minute, "zone_a", 1.0) for minute in range(T, T + 100)]


def test_the_tail_of_a_long_log_is_not_kept() -> None:
    zones = ZoneMinutes(ZONES)
    for minute in range(T, T + 5000):
        zones.note(row(minute, "001", 8.0))
    zones.start({"001": T + 4999, "zone_a": T + 4990})
    assert len(zones.to_state()["parts"]["001"]) <= WAIT_MIN + 1


def test_the_rows_of_a_zone_stand_among_those_of_its_meters_by_their_minute() -> None:
    def judge(means: Any) -> list[Row]:
        return [Row(mean.minute, mean.sensor, mean.flow, mean.pressure, mean.samples) for mean in means]

    zones = ZoneMinutes(ZONES)
    rows_of([MinuteMean(T, meter, 1.0, 4.0, 60) for meter in ("001", "002")], zones, judge)
    late = [MinuteMean(T, "003", 1.0, 4.0, 60), MinuteMean(T + 1, "001", 1.0, 4.0, 60)]
    assert [(one.minute, one.sensor) for one in rows_of(late, zones, judge)] == [
        (T, "003"), (T, "zone_a"), (T + 1, "001"),
    ]  # fmt: skip


def test_what_a_wrong_clock_made_is_forgotten() -> None:
    zones = ZoneMinutes(ZONES)
    ahead = T + 10_000
    zones.means([row(ahead, meter, 1.0) for meter in METERS])
    zones.forget_future(T - 1)
    assert flows(zones.means([row(T, meter, 1.0) for meter in METERS])) == [(T, "zone_a", 1.0), (T, "zone_b", 2.0)]


def test_a_changed_formula_starts_with_the_minutes_that_are_open() -> None:
    before = ZoneMinutes(ZONES)
    before.means([row(T, "001", 8.0), row(T, "002", 1.0)])
    after = ZoneMinutes(read_zones({"zone_a": "001 + 002", "zone_c": "001 + 009"}, ()))
    after.start({"001": T, "002": T, "003": T - 1, "zone_a": T - 1})
    after.restore(json.loads(json.dumps(before.to_state())))
    assert flows(after.means()) == [(T, "zone_a", 9.0)]


def test_a_kept_state_stays_as_it_was() -> None:
    zones = ZoneMinutes(ZONES)
    state = zones.to_state()
    zones.means([row(T, meter, 1.0) for meter in METERS])
    assert state == ZoneMinutes(ZONES).to_state()


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"last": {}},
        {"last": [], "parts": {}},
        {"last": {}, "parts": {"001": {"x": None}}},
        {"last": {}, "parts": {"001": {"1": [1.0]}}},
    ],
)
def test_a_damaged_state_is_refused_whole(state: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        ZoneMinutes(ZONES).restore(state)


class _Box:
    """A producer that may be killed after its append or after its mark: the log, the mark and the kept state."""

    def __init__(self) -> None:
        self.log: list[Row] = []
        self.marked = 0
        self.state: Any = None
        self.held: list[Row] = []  # rows that wait for the log, as kept with the state
        self.start()

    def start(self) -> None:
        self.zones = ZoneMinutes(ZONES)
        for each in self.log[self.marked :]:
            self.zones.note(each)
        closed = {one.sensor: one.minute for one in sorted(self.log, key=lambda one: one.minute)}
        self.zones.start(closed)
        self.append([one for one in self.held if one.minute > closed.get(one.sensor, 0)])
        if self.state is not None:
            self.zones.restore(json.loads(json.dumps(self.state)))
        self.append(self.sums())

    def sums(self, rows: tuple[Row, ...] = ()) -> list[Row]:
        found = self.zones.means(rows)
        return [Row(one.minute, one.sensor, one.flow, one.pressure, one.samples) for one in found]

    def close(self, rows: tuple[Row, ...], kill: str) -> None:
        made = [*rows, *self.sums(rows)]
        if self.zones.waits:
            self.state, self.held = self.zones.to_state(), made
        self.append(made[: len(rows)] if kill == "append" else made, mark=not kill)
        if kill:
            self.start()
        else:
            self.state, self.held = self.zones.to_state(), []

    def append(self, rows: list[Row], *, mark: bool = True) -> None:
        self.log += rows
        self.marked = len(self.log) if mark else self.marked


@given(st.data())
def test_any_order_of_meters_and_kills_gives_each_minute_once_and_right(data: st.DataObject) -> None:
    box, closed = _Box(), dict.fromkeys(METERS, T - 1)
    for _ in range(data.draw(st.integers(1, 12))):
        meters = data.draw(st.lists(st.sampled_from(METERS), min_size=1, unique=True))
        rows = []
        for meter in meters:
            closed[meter] += data.draw(st.sampled_from([1, 1, 1, 2]))
            flow = data.draw(st.none() | st.floats(-5, 500).map(lambda value: round(value, 3)))
            rows.append(row(closed[meter], meter, flow, data.draw(st.sampled_from(["0000", "0000", "S000"]))))
        box.close(
            tuple(sorted(rows, key=lambda one: one.minute)), data.draw(st.sampled_from(["", "", "append", "mark"]))
        )
    found = {(one.minute, one.sensor): one for one in box.log}
    assert len(found) == len(box.log)  # one row for one (sensor, minute), ever
    wanted = dict(_wanted(found))
    assert {key: found[key].flow for key in found if key[1] in ZONES} == wanted


def _wanted(found: dict[tuple[int, str], Row]) -> Iterator[tuple[tuple[int, str], Any]]:
    """By the text: the sum where all meters have a flow that is believed."""
    newest = max(minute for minute, _ in found)
    for minute in range(T, newest + 1):
        for zone in ZONES.values():
            rows = [found.get((minute, meter)) for meter in zone.signs]
            known = [one.flow for one in rows if one and one.flow is not None and one.flow_flags[0] == "0"]
            if len(known) == len(rows):
                total = sum(sign * flow for sign, flow in zip(zone.signs.values(), known, strict=True))
                yield (minute, zone.name), pytest.approx(total, abs=0.0011)


@pytest.mark.parametrize(
    ("sensors", "words"),
    [
        ({}, "001 + 002 - 003; no sum yet"),
        ({"001": T, "002": T, "003": T}, "001 + 002 - 003; no sum yet"),
        ({"001": T, "002": T - 15, "003": T, "zone_a": T - 15}, "last sum 2024-08-26 16:18"),
        ({"001": T, "002": T}, "no row of 003 in the last days"),
        ({"001": T, "002": T - 16, "003": T}, "002 is more than 15 minutes behind"),
    ],
)
def test_the_check_says_which_meter_a_zone_lacks(tmp_path: Path, sensors: dict[str, int], words: str) -> None:
    environ = {"HYDROLOG_PATHS__DATA": str(tmp_path), "HYDROLOG_ZONES__ZONE_A": "001 + 002 - 003"}
    mark.store(tmp_path, Mark(T, 0, "log", sensors))
    (found,) = checks_zones.zones(load(None, environ), minute_start(T))
    assert words in found.text
    assert found.ok == words.endswith(("yet", "16:18"))
    polled = {"HYDROLOG_LINE__PROTOCOL": "modbus", "HYDROLOG_LINE__MODBUS__POLL_SECONDS": "300"}
    (slow,) = checks_zones.zones(load(None, environ | polled), minute_start(T))
    assert not slow.ok
