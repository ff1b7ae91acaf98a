"""From what a data folder says to problems: processes, rows, incidents; and every code in words."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common import time_service, verdict_sentences
from common.clock import FixedClock, minute_of, minute_start
from common.messages import fields
from common.row import Row, format_payload
from common.settings import Settings
from common.settings_checks import NO_LOG
from common.verdict import GOOD, KINDS, LEAK, SILENT, TROUBLE, WATCH, Problem, Value
from common.verdict_sentences import WORDS
from common.verdict_words import said, span
from common.zones import read_zones
from incidents.reading import Incidents
from log.mark import Mark
from log.roles import Position, open_for
from outliers.calendar import Work
from situation import snapshot, tail
from situation.judge import judge
from situation.processes import process
from situation.rows import GONE, SITE, SensorRow, Stored, newest_row
from situation.snapshot import Process, Snapshot, alive

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)
MINUTE = minute_of(NOW)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def chosen(settings_for: Callable[..., Settings]) -> Settings:
    return settings_for()


def marked(sensors: Mapping[str, int], **more: object) -> Snapshot:
    """A box whose sensors' last minutes closed so many minutes ago."""
    closed = {sensor: MINUTE - minutes for sensor, minutes in sensors.items()}
    return replace(Snapshot(NOW, mark=Mark(MINUTE, 100, "log", closed)), **more)  # type: ignore[arg-type]


def codes(look: Snapshot, chosen: Settings, stored: Stored | None = None) -> list[str]:
    found = judge(look, chosen, stored).verdict.problems
    return [f"{each.subject} {each.code}" for each in found if each.code != "not-started"]


@pytest.mark.parametrize(
    ("health", "ended_s", "speed", "kind", "code"),
    [
        (None, None, 1, TROUBLE, "not-started"),
        ({"last_success": ago(1), "problem": ""}, None, 1, GOOD, "running"),
        ({"last_success": ago(1), "problem": ""}, 2.0, 1, TROUBLE, "stopped"),
        ({"last_success": ago(1), "problem": ""}, 90.0, 1, TROUBLE, "given-up"),
        ({"last_success": ago(200), "problem": ""}, None, 1, WATCH, "busy"),
        ({"last_success": ago(2000), "problem": ""}, None, 1, TROUBLE, "stalled"),  # alive but idle
        ({"last_success": ago(2000), "problem": ""}, None, 60, GOOD, "running"),  # 33 real seconds of a demo
        ({"last_success": None, "started": ago(5), "problem": ""}, None, 1, WATCH, "starting"),
        ({"last_success": None, "started": ago(5000), "problem": ""}, None, 1, TROUBLE, "stalled"),
        ({"last_success": ago(9), "problem": "no port", "problem_since": ago(9)}, None, 1, WATCH, "waiting"),
        ({"last_success": ago(999), "problem": "no port", "problem_since": ago(999)}, None, 1, TROUBLE, "waiting"),
        ({"problem": "unreadable health file"}, None, 1, WATCH, "waiting"),
        ({"last_success": "2024-08-26", "started": 7}, None, 1, WATCH, "unreadable"),
        ({"last_success": ago(-9000), "problem": ""}, None, 1, GOOD, "running"),  # the clock went back
        ({"problem": "no port", "problem_since": ago(-9000)}, None, 1, WATCH, "waiting"),
    ],
)
def test_a_process_is_judged_by_its_progress(
    health: dict[str, object] | None, ended_s: float | None, speed: float, kind: str, code: str
) -> None:
    found = process("nightflow", None if health is None else Process(health, ended_s), NOW, speed)
    assert (found.kind, found.code) == (kind, code)
    assert all(value >= 0 for name, value in found.values.items() if name.endswith("_s") and not isinstance(value, str))


def test_a_process_of_another_boot_does_not_run_whoever_has_its_number_now() -> None:
    here = {"pid": os.getpid()}
    assert alive(here | {"boot": time_service.boot_id()})
    assert not alive(here | {"boot": "5a0e7c9e-0000-4000-8000-0123456789ab"})
    assert alive(here)  # of a version before, which did not say
    assert not alive({"pid": 2**30})


def test_the_newest_row_is_fresh_late_or_lost(chosen: Settings) -> None:
    look = Snapshot(NOW)

    def code(seconds: float, speed: float = 1.0) -> str:
        return newest_row(SITE, NOW - timedelta(seconds=seconds), replace(look, speed=speed), chosen).code

    assert [code(s) for s in (-30, 60, 200, 300, 900, 1000)] == [*["fresh"] * 3, *["late-rows"] * 2, "silent-rows"]
    assert code(1000, 60) == "fresh"  # 17 real seconds of a demo
    assert newest_row(SITE, None, look, chosen).kind == SILENT


def test_silence_is_one_problem_of_the_site_or_one_of_each_sensor(chosen: Settings) -> None:
    assert codes(marked({"001": 0, "002": 0}), chosen) == []
    assert codes(marked({"001": 0, "002": 40}), chosen) == ["002 no-data"]
    assert codes(marked({"001": 50, "002": 40}), chosen) == ["rows silent-rows"]


def test_a_zone_without_a_sum_calls_nobody_where_its_meter_does(chosen: Settings) -> None:
    zoned = replace(chosen, zones=read_zones({"zone_a": "001 + 002"}, ()))
    assert codes(marked({"001": 0, "002": 0, "zone_a": 2}), zoned) == []
    assert codes(marked({"001": 0, "002": 40, "zone_a": 40}), zoned) == ["002 no-data"]
    assert codes(marked({"001": 50, "002": 40, "zone_a": 50}), zoned) == ["rows silent-rows"]
    assert codes(marked({"001": 0, "002": 0, "zone_a": 40}), zoned) == ["zone_a no-sum"]  # one of them is not believed
    found = judge(marked({"001": 0, "002": 40, "zone_a": 40}), zoned).sensors["zone_a"]
    assert str(said(found)).endswith("no sum: nothing for 39 min; no row of 002; it is 001 + 002; see its meters")


def test_a_row_in_the_log_counts_before_the_archive_has_it(chosen: Settings) -> None:
    behind = {sensor: SensorRow(NOW - timedelta(hours=1)) for sensor in ("001", "002")}
    assert codes(marked({"001": 0, "003": 90}), chosen, Stored(behind, True)) == ["002 no-data"]  # 003: not registered


def test_an_unregistered_sensor_that_was_taken_away_is_forgotten(chosen: Settings) -> None:
    look = marked({"001": 0, "old": GONE // timedelta(minutes=1) + 1})
    assert codes(look, chosen) == []
    assert [each.subject for each in judge(look, chosen, keep=["old"]).verdict.problems if each.kind == SILENT] == [
        "old"
    ]
    long_ago, today = NOW - timedelta(days=3), NOW - timedelta(hours=3)
    apart = Stored({"001": SensorRow(NOW)}, True, unregistered={"X-1": long_ago, "X-2": today})
    assert codes(marked({"001": 0}), chosen, apart) == ["X-2 unregistered"]


def test_a_sensor_that_is_silent_during_planned_work_calls_nobody(chosen: Settings) -> None:
    for sensor, first, end, told in (
        ("001", -60, 60, []),
        ("all", -60, 60, []),
        ("002", -60, 60, ["001 no-data"]),
        ("001", -99, -29, []),  # the meter is back half an hour after the work
        ("001", -99, -30, ["001 no-data"]),
    ):
        work = Work(sensor, MINUTE + first, MINUTE + end, "repair")
        look = marked({"001": 40, "002": 0}, works=(work,))
        assert codes(look, chosen) == told
        assert (judge(look, chosen).sensors["001"].code == "planned") == (not told)
    line = marked({"001": 40}, works=(Work("all", MINUTE - 60, MINUTE + 60, "repair"),))
    assert codes(line, chosen) == []


def test_rows_of_the_future_are_no_sign_of_life(chosen: Settings) -> None:
    assert codes(marked({"001": -9000, "002": 0}), chosen) == ["rows future-rows"]
    assert codes(marked({"001": -9000, "002": 40}), chosen) == ["rows future-rows", "rows silent-rows"]
    assert codes(marked({"001": -2, "002": 0}), chosen) == []  # a meter's clock may be a little fast


def test_flags_count_while_there_is_no_file_of_incidents(chosen: Settings) -> None:
    flagged = Stored({"001": SensorRow(NOW, severity="LEAK"), "002": SensorRow(NOW, severity="SOMETHING NEW")}, True)
    judged = judge(marked({"001": 0, "002": 0}), chosen, flagged)
    assert [judged.sensors[sensor].kind for sensor in ("001", "002")] == [LEAK, WATCH]
    known = Incidents(complete=True)
    assert codes(marked({"001": 0, "002": 0}, incidents=known), chosen, flagged) == []


def test_a_silent_sensor_with_a_leak_is_both(chosen: Settings) -> None:
    flagged = Stored({"001": SensorRow(NOW), "002": SensorRow(NOW - timedelta(hours=1), severity="LEAK")}, True)
    look = marked({"001": 0})
    assert codes(look, chosen, flagged) == ["002 leak", "002 no-data"]
    assert judge(look, chosen, flagged).sensors["002"].code == "leak"


def test_a_group_may_be_two_hours_behind(chosen: Settings) -> None:
    def look(lag: int) -> Snapshot:
        return marked({"001": 0, "002": 0}, groups={"archive": Position(100 - lag), "server": Position(None)})

    assert codes(look(240), chosen) == []
    assert codes(look(241), chosen) == ["archive backlog"]


@pytest.mark.parametrize(
    ("days", "said_of_it"),
    [(30.1, []), (29.9, ["it ends in 29 days"]), (0.5, ["it ends in 12 h 0 min"]), (-2, ["it ended 2 days ago"])],
)
def test_a_certificate_is_a_trouble_a_month_before_its_end(
    chosen: Settings, days: float, said_of_it: list[str]
) -> None:
    ends_s = int((NOW + timedelta(days=days)).timestamp())
    server = Process({"last_success": ago(1), "counters": {"certificate_ends": ends_s}})
    found = judge(marked({"001": 0}, processes={"server": server}), chosen).verdict.problems
    assert [said(each).detail for each in found if each.subject == "certificate"] == said_of_it
    assert all(each.kind == TROUBLE for each in found if each.subject == "certificate")


def test_damaged_counters_are_no_problem_and_no_crash(chosen: Settings) -> None:
    for counters in (
        7,
        None,
        {"certificate_ends": "soon"},
        {"refused_in_a_row": "many", "last_status": "never", "clock": 5, "clock_offsets_s": 3},
    ):
        state = {"last_success": ago(1), "counters": counters}
        look = marked({"001": 0}, processes=dict.fromkeys(("consumer-server", "producer", "server"), Process(state)))
        assert codes(look, chosen) == []
        assert snapshot.clock_offsets_s(state) == {}


def test_the_end_of_the_log_gives_each_sensors_newest_row(chosen: Settings) -> None:
    log = open_for(chosen)
    rows = [
        Row(MINUTE - 3, "001", 7.0, 4.0, 60),
        Row(MINUTE - 1, "001", 8.0, None, 60),
        Row(MINUTE - 2, "002", 1, 2, 3),
    ]
    rows += [Row(MINUTE + 900, "002", 9.0, 9.0, 60)]  # of the future
    log.append([*(format_payload(row, chosen.site.zone) for row in rows), "not a row"])
    log.close()
    with (chosen.paths.data / "server_data.txt").open("ab") as file:
        file.write(b"torn")
    assert tail.newest_rows(chosen, NOW) == {"001": rows[1], "002": rows[2]}
    (chosen.paths.data / "server_data.txt").unlink()
    assert tail.newest_rows(chosen, NOW) == {}


def test_an_empty_data_folder_has_a_verdict(chosen: Settings, tmp_path: Path) -> None:
    look = snapshot.take(chosen, FixedClock(NOW))
    assert judge(look, chosen).verdict.kind == TROUBLE  # nothing was ever started
    assert (look.mark, look.log_bytes, look.lag("archive")) == (None, None, None)


def test_a_center_is_judged_by_its_archive_and_by_what_its_topic_lost(settings_for: Callable[..., Settings]) -> None:
    center = settings_for(log__url="kafka://a:9092/rows", database__url="postgresql://there/rows")
    counters = {"topic_expired": 40, "topic_anew": 3, "topic_cut": 0, "topic_strange": 2}
    archive = Process({"last_success": ago(1), "problem": "", "counters": counters})
    look = Snapshot(NOW, processes={"consumer-archive": archive})
    verdict = judge(look, center).verdict
    assert [each.code for each in verdict.problems] == ["topic-expired", "topic-anew", "topic-strange"]
    assert "40" in str(said(verdict.problems[0]))
    assert judge(Snapshot(NOW), center).verdict.kind == TROUBLE, "nobody archives"
    for role in ("nightflow", "forecaster"):
        alone = Snapshot(NOW, processes={role: Process({"last_success": NOW.isoformat()})})
        assert judge(alone, center).verdict.kind == GOOD, "it has a folder of its own"


def test_a_center_without_a_log_is_judged_by_what_works_in_its_folder(settings_for: Callable[..., Settings]) -> None:
    well = Process({"last_success": ago(1), "problem": ""})
    roles = ("nightflow", "forecaster", "server")

    def verdict(*running: str, url: str = "postgresql://there/rows") -> tuple[str, list[str]]:
        center = settings_for(log__url=NO_LOG, database__url=url)
        found = judge(Snapshot(NOW, processes=dict.fromkeys(running, well)), center).verdict
        return found.kind, [each.subject for each in found.problems]

    assert verdict(*roles) == (GOOD, [])
    assert verdict("server") == (TROUBLE, ["nightflow", "forecaster"])
    assert verdict("nightflow", "forecaster") == (TROUBLE, ["server"])
    assert verdict(*roles, url="") == (TROUBLE, ["database"]), "the embedded one is a process of its own"
    assert verdict() == (TROUBLE, list(roles))
    for role in roles[:2]:
        assert verdict(role) == (GOOD, []), "a further machine"


@pytest.mark.parametrize("code", WORDS)
def test_every_code_is_said_in_both_languages(code: str) -> None:
    names = {name for text in (*WORDS[code].detail, WORDS[code].todo) for name in fields(text)}
    known: dict[str, Value] = {name: 5 if name.endswith(("_s", "_bytes")) else "§" for name in names}
    whole = Problem(GOOD, "x", code, known | {"size_m3h": 1.0, "error_m3h": 0.1, "reason_kind": "DatabaseDown"})
    english, korean = said(whole), said(whole, "ko")
    assert said(whole, "tlh") == english
    assert len(english.detail.split("; ")) == len("; ".join(WORDS[code].detail).split("; "))
    assert re.search("[가-힣]", korean.word) and bool(english.todo) == bool(korean.todo)
    assert not any(letter in str(korean) for letter in "{}")
    assert said(Problem(GOOD, "x", code)).word == english.word


def test_every_kind_has_words() -> None:
    assert verdict_sentences.KINDS.keys() == {*KINDS}


def test_what_somebody_wrote_in_english_is_no_part_of_a_korean_sentence() -> None:
    planned = Problem(GOOD, "001", "planned", {"reason": "flushing", "silent_s": 300})
    assert said(planned).detail == "flushing; no row for 5 min"
    assert said(planned, "ko").detail == "5분 동안 결측"


def test_what_is_not_known_is_left_out_and_hostile_text_stays_in_its_line() -> None:
    problem = Problem(LEAK, "001", "leak", {"name": "a\nb\x1b[31m\u202e", "lasted_s": 104_400, "size_m3h": 9.3})
    assert said(problem).where == "sensor 001 a?b?[31m?"
    assert said(problem).detail == "for 29 h 0 min"  # the error is not known, so the size is not told
    whole = replace(problem, values={**problem.values, "error_m3h": 1.1, "reason": "{role} {x}"})
    assert said(whole).detail == "for 29 h 0 min; about 9.3 ± 1.1 m³/h; {role} {x}"
    assert said(whole, "ko").detail == "29시간째 계속; 초과 유량 약 9.3 m³/h(±1.1)"


def test_spans_are_said_as_people_say_them() -> None:
    assert [span(seconds) for seconds in (-5, 59, 60, 3599, 3660, 48 * 3600)] == [
        *("0 s", "59 s", "1 min", "59 min", "1 h 1 min", "2 days"),
    ]
    assert [span(seconds, "ko") for seconds in (-5, 60, 3660, 48 * 3600)] == ["0초", "1분", "1시간 1분", "2일"]


def test_a_minute_is_never_negative_after_the_clock_went_back(chosen: Settings) -> None:
    look = replace(marked({"001": 0}), now=minute_start(MINUTE - 1))
    assert judge(look, chosen).arrival["001"].code == "normal"
