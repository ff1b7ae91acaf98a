"""Flags, findings and criteria as they stand in files."""

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.errors import CriteriaUnusable
from outliers import criteria, findings, flags
from outliers.findings import Finding
from server.explain import SpellRequest, matching


def finding(minute: int, state: str = "raise", code: str = "SYS-STUCK") -> Finding:
    return Finding(
        sensor="001",
        minute=minute,
        since=minute - 20,
        channel="flow",
        method="SYSTEM",
        code=code,
        kind="fault",
        severity="fault",
        state=state,
        numbers={"value": 19.05, "minutes": 20.0, "limit_minutes": 20.0},
    )


def test_each_flag_letter_has_one_meaning_at_its_place() -> None:
    places = [(flag.channel, flag.position, flag.letter) for flag in flags.TABLE]
    assert len(set(places)) == len(places)
    assert all(flag.letter != flags.CLEAR and flag.position < flags.CHANNELS[flag.channel] for flag in flags.TABLE)


def test_flags_are_explained_and_graded() -> None:
    explained = flags.explain("flow", "S00L")
    assert [flag.severity for flag in explained] == ["fault", "leak"]
    assert flags.severest(explained) == "leak"
    assert flags.explain("flow", "?000") == []
    assert [flag.severity for flag in flags.explain("flow", "0lwj")] == ["planned"] * 3
    assert flags.severest(flags.explain("flow", "0lW0")) == "watch"
    assert flags.trusted("0L00") and not flags.trusted("M000")


def test_findings_file_keeps_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    assert findings.load(path) == []
    findings.store(path, [finding(minute) for minute in (1, 2, 3, 4)], keep=3)
    assert [one.minute for one in findings.load(path)] == [2, 3, 4]


def test_a_damaged_findings_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    path.write_text('{"findings": [{"sensor": ')
    assert findings.load(path) == []
    findings.store(path, [finding(7)])
    assert findings.load(path) == [finding(7)]


def test_a_row_finds_the_reason_that_stands_at_its_minute() -> None:
    history = [finding(10), finding(12, code="LEAK"), finding(20, "clear")]
    assert [one.code for one in findings.standing(history, "001", 15)] == ["SYS-STUCK", "LEAK"]
    assert [one.code for one in findings.standing(history, "001", 20)] == ["LEAK"]
    assert findings.standing(history, "002", 15) == []


def test_a_letter_stands_for_the_newest_finding_that_is_up_and_of_its_kind() -> None:
    (stuck,) = flags.explain("flow", "S000")
    old, new = finding(10, code="SYS-RANGE"), finding(12)
    assert findings.explaining([old, new], "001", 15, stuck) == new
    assert findings.explaining([old, new, finding(14, "clear")], "001", 15, stuck) == old
    both = replace(new, channel="both")
    assert findings.explaining([both], "001", 15, stuck) == both
    planned = replace(new, severity=flags.PLANNED)
    assert findings.explaining([planned], "001", 15, stuck) == planned
    others = (
        replace(new, channel="pressure"),
        replace(new, method="VALUE"),
        replace(new, severity="leak"),
        replace(new, sensor="002"),
    )
    assert [findings.explaining([other], "001", 15, stuck) for other in others] == [None] * 4


def test_the_charts_of_a_spell_show_the_raise_that_it_tells_of() -> None:
    known = [finding(10), finding(20, "clear"), finding(40), finding(60, "clear"), finding(90)]
    minutes = {  # the spell's first and last minute -> when it was raised and cleared
        (10, 20): (10, 20),
        (38, 39): (40, 60),  # a letter may be a minute before its finding
        (60, 80): (40, 60),
        (61, 80): None,
        (90, 99): (90, None),
    }
    for (start, end), told in minutes.items():
        raised, cleared = matching(known, SpellRequest("001", "flow", "SYSTEM", start * 60, end * 60))
        assert (raised and (raised.minute, cleared and cleared.minute)) == told
    assert matching(known, SpellRequest("001", "pressure", "SYSTEM", 600, 1200)) == (None, None)


def test_initial_file_gives_limits_by_sensor(tmp_path: Path) -> None:
    (tmp_path / "initial.toml").write_text(
        '\ufeff[default]\npressure_max = 16\n[sensor."001"]\nflow_max = 120.5\nflow_stuck_minutes = 90\n'
    )
    mine, other = criteria.initial("001", tmp_path), criteria.initial("002", tmp_path)
    assert (mine.flow.high, mine.pressure.high, mine.flow.stuck_rows) == (120.5, 16, 90)
    assert other.flow.high == criteria.DEFAULT_FLOW.high
    assert mine.use is None and mine.version == 0


@pytest.mark.parametrize(
    "text",
    [
        *("[default]\nflow_maximum = 3\n", '[default]\nflow_max = "3"\n', "[defaults]\n", "["),
        *("[default]\nflow_max = nan\n", "[default]\nflow_stuck_minutes = inf\n", "[default]\nflow_min = 20000\n"),
        *("[default]\nflow_max = 1" + "0" * 400, "[default]\nflow_max = " + "9" * 5000, "x = " + "[" * 5000),
    ],
)
def test_a_wrong_initial_file_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "initial.toml").write_text(text)
    with pytest.raises(CriteriaUnusable, match=r"initial\.toml"):
        criteria.initial("001", tmp_path)


def test_a_new_version_leaves_the_old_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    first = criteria.store(tmp_path, criteria.initial("A.1"))
    second = criteria.store(tmp_path, dataclasses.replace(first, clean_weeks=26.0))
    assert (first.version, second.version) == (1, 2)
    assert criteria.load(tmp_path, "A.1") == second
    for damaged in (b"{", b"\xff\x00"):
        (tmp_path / "A.1.v0002.json").write_bytes(damaged)
        assert criteria.load(tmp_path, "A.1") == first
    assert criteria.load(tmp_path, "A") is None
    assert criteria.sensors(tmp_path) == ["A.1"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "sensor": "x"}'])
def test_what_is_not_criteria_is_refused(text: str) -> None:
    with pytest.raises(CriteriaUnusable):
        criteria.from_text(text)


def test_the_criteria_of_a_zone_say_so_and_others_are_read_by_an_earlier_version() -> None:
    zone, meter = criteria.initial("zone_a", is_zone=True), criteria.initial("001")
    assert criteria.from_text(criteria.to_text(zone)) == zone
    assert zone.flow.low < 0.0 == meter.flow.low
    assert "is_zone" not in criteria.to_text(meter)
