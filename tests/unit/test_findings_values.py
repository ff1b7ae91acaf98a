"""A finding is values: each code has its numbers by name, an older release's words stay readable, the text is made."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from msgspec.structs import replace
from outlier_site import DAY, MEAN_M3H, RESTLESS_M3H, burst, days, detect

from outliers import findings, findings_text
from outliers.calendar import Work
from outliers.criteria import Criteria
from outliers.findings import CLEAR, RAISE, End, Finding, Note
from outliers.findings_text import figures, text
from outliers.flags import PLANNED
from outliers.learn.build import History
from outliers.watch import memory
from outliers.watch.evidence import STEP, Change, Evidence
from outliers.watch.finding_log import FindingLog
from outliers.watch.memory import SensorMemory
from outliers.watch.planned import AFTER_MIN, Planned
from outliers.watch.row_flags import RowFlags
from server.explain import _shown

T = 28_000_000
STEADY = {"steady_m3h", "steady_error_m3h"}
ANSWER = {"due_bar", "fell_bar", "noise_bar"}
NIGHT = {"night_m3h", "usual_m3h", "spread_m3h", "nights"}
HIGH = {"rise_m3h", "error_m3h", "share"}
# Code, or the method of a LEAK -> the numbers that it always has, and those that it has if they are known.
NUMBERS: dict[str, tuple[set[str], set[str]]] = {
    "SYS-MISS": ({"minutes"}, set()),
    "SYS-RANGE": ({"value", "limit"}, set()),
    "SYS-STUCK": ({"value", "minutes", "limit_minutes"}, set()),
    "SYS-SPIKE": ({"value", "minutes", "before", "after", "limit"}, set()),
    "SYS-DRIFT": ({"away_bar", "limit_bar"}, set()),
    "SYS-METER": ({"scale_share", "error_share"}, {"due_bar", "fell_bar"}),
    "SUP-STEP": ({"away_bar", "limit_bar"}, set()),
    "LOG-LOW": ({"below_bar", "minutes", "limit_bar"}, set()),
    "LOG-DRIFT": ({"away_bar", "limit_bar"}, set()),
    "PRE-STEP": ({"rise_m3h", "limit_m3h"}, set()),
    "VAL-HIGH": (HIGH, STEADY),
    "VAL-LOW": ({"fall_m3h", "error_m3h", "share"}, {"meter_share"}),
    "NGT-JUMP": (NIGHT, set()),
    "NGT-CREEP": (NIGHT, set()),
    "PREDICT": ({"rise_m3h", "share", "minutes", "limit_m3h"}, STEADY | ANSWER),
    "VALUE": (HIGH, STEADY | ANSWER),
    "NIGHT": (NIGHT, ANSWER),
}
# As the release before wrote them.
OLD = """{"findings": [
{"sensor": "001", "minute": 28000000, "since": 27999948, "channel": "flow", "method": "PREDICT", "code": "LEAK",
 "kind": "leak", "severity": "leak", "state": "raise", "value": 15.8, "limit": 4.2,
 "reason": "for 52 min flow has been 15.8 m3/h over forecast (51% of the mean flow), limit 4.2"},
{"sensor": "001", "minute": 28000090, "since": 28000000, "channel": "flow", "method": "PREDICT", "code": "LEAK",
 "kind": "leak", "severity": "leak", "state": "clear", "value": 0.0, "limit": 0.0, "reason": "flow fell by 14 m3/h"}
]}"""


def key(finding: Finding) -> str:
    return finding.method if finding.code.startswith("LEAK") else finding.code


def leak(**more: float) -> Finding:
    return Finding("001", T, T - 52, "flow", "PREDICT", "LEAK", "leak", "leak", RAISE, more)


def troubled() -> History:
    """Two weeks with a fault of each kind, a supply step, a burst, and then a drifting gauge."""
    rows = days(16, restless=RESTLESS_M3H)
    rows.flow[DAY : DAY + 20] = np.nan
    rows.flow[DAY + 100 : DAY + 103] = 99_999.0
    rows.flow[DAY + 200 : DAY + 400] = rows.flow[DAY + 200]
    rows.pressure[DAY + 500] += 2.0
    rows.pressure[DAY + 600 : DAY + 1200] += 0.4
    burst(rows, 3 * DAY + 600, 6 * DAY, 0.3)
    rows.pressure[9 * DAY :] -= np.linspace(0, 0.35, 7 * DAY)
    return rows


def used_more() -> History:
    """Flow and meter go up together by a little, then the meter alone by much, then most of it is gone."""
    rows = days(12, restless=RESTLESS_M3H)
    burst(rows, 2 * DAY, 4 * DAY, 0.06)
    rows.flow[5 * DAY : 7 * DAY] *= 1.2
    rows.flow[9 * DAY :] *= 0.85
    return rows


@pytest.mark.parametrize("made", [troubled, used_more])
def test_each_finding_has_the_numbers_of_its_code_and_a_clear_says_why(
    restless: Criteria, made: Callable[[], History]
) -> None:
    found, _ = detect(restless, made())
    for one in found:
        assert all(type(value) is float and math.isfinite(value) for value in one.numbers.values())
        assert "{" not in text(one) and not one.text
        if one.state == CLEAR:
            assert one.end in set(End)
            continue
        always, known = NUMBERS[key(one)]
        assert always <= set(one.numbers) <= always | known, one
        assert not one.end and set(one.notes) <= set(Note)
    codes = {one.code for one in found}
    if made is troubled:
        assert {"SYS-MISS", "SYS-RANGE", "SYS-STUCK", "SYS-SPIKE", "SYS-DRIFT", "SUP-STEP", "PRE-STEP", "LEAK"} <= codes
    else:
        assert {"VAL-HIGH", "SYS-METER"} <= codes


def test_what_was_measured_is_what_happened(restless: Criteria) -> None:
    found, _ = detect(restless, troubled())
    told = next(one for one in found if one.code == "LEAK" and one.state == RAISE)
    assert told.numbers["rise_m3h"] == pytest.approx(0.3 * MEAN_M3H, rel=0.25)
    assert told.notes and set(told.numbers) >= STEADY | ANSWER
    assert next(one for one in found if one.code == "LEAK" and one.state == CLEAR).end in (End.FELL, End.USUAL)
    (spike,) = (one for one in found if one.code == "SYS-SPIKE" and one.state == RAISE)
    assert spike.numbers["value"] - spike.numbers["before"] == pytest.approx(2.0, abs=0.3)


def test_the_text_knows_each_code_each_end_and_no_other_number() -> None:
    assert findings_text._PARTS.keys() == NUMBERS.keys()
    assert findings_text._ENDS.keys() == set(End) and findings_text._NOTES.keys() == set(Note)
    for code, parts in findings_text._PARTS.items():
        names = {name for part in parts for _, name, _, _ in Formatter().parse(part) if name}
        assert names <= NUMBERS[code][0] | NUMBERS[code][1] | {"channel", "unit"}


def test_the_text_leaves_out_what_is_not_known() -> None:
    assert text(leak(rise_m3h=15.8, share=0.51, limit_m3h=4.2, minutes=52.0)) == (
        "flow 15.8 m3/h above its forecast, limit 4.2, 51% of the mean flow"
    )
    assert text(leak(rise_m3h=15.8)) == "flow 15.8 m3/h above its forecast"
    assert text(leak()) == "flow LEAK"
    agrees = replace(
        leak(rise_m3h=15.8, due_bar=0.2, fell_bar=0.19), notes=[Note.PRESSURE_AGREES, "of a later release"]
    )
    assert text(agrees).endswith("; the pressure fell 0.19 bar of 0.20 due; the pressure agrees")
    assert text(replace(leak(), state=CLEAR, end="of a later release")) == "it is over"
    assert text(replace(leak(), code="NEW-CODE")) == "flow NEW-CODE"
    assert figures(leak(rise_m3h=15.81234, minutes=52.0)) == "rise_m3h=15.812 minutes=52"


def test_a_number_that_is_none_is_absent() -> None:
    log = FindingLog("001")
    numbers = {"rise_m3h": float("nan"), "limit_m3h": np.float64(5.0)}
    log.on_evidence(Evidence(STEP, Change.BEGAN, T, T - 3, numbers))
    (found,) = log.take()
    assert found.numbers == {"limit_m3h": 5.0} and type(found.numbers["limit_m3h"]) is float


def test_findings_of_the_release_before_keep_their_words(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    path.write_text(OLD)
    old = findings.load(path)
    assert [text(one)[:20] for one in old] == ["for 52 min flow has ", "flow fell by 14 m3/h"]
    assert [(one.numbers, one.end) for one in old] == [({}, "")] * 2
    findings.store(path, [*old, leak(rise_m3h=2.0)])
    assert findings.load(path) == [*old, leak(rise_m3h=2.0)]
    assert "reason" not in json.loads(path.read_text())["findings"][2]


def test_a_planned_finding_of_the_release_before_outlasts_its_work(tmp_path: Path) -> None:
    path, end = tmp_path / "detectors.json", T + 30 + AFTER_MIN["PREDICT"]
    memory.store(path, {"001": SensorMemory(planned=[leak()])})
    whole = json.loads(path.read_text())
    whole["sensors"]["001"]["planned"][0] |= {"reason": "flow is up", "value": 2.0, "limit": 1.0}
    path.write_text(json.dumps(whole))
    planned, work = Planned(memory.load(path)["001"].planned), Work("001", T, T + 30, "flushing")
    over, again = planned.step(end, RowFlags("00L0", "000", ()), [work]).findings
    assert (over.severity, over.state, text(over)) == (PLANNED, CLEAR, "the planned work is over")
    assert (again.severity, again.state, text(again)) == ("leak", RAISE, "flow is up")


def test_planned_work_is_named_and_so_is_what_outlasts_it() -> None:
    work, planned, end = Work("001", T, T + 30, "flushing"), Planned(), T + 30 + AFTER_MIN["PREDICT"]
    (quiet,) = planned.step(T, RowFlags("00L0", "000", (leak(rise_m3h=2.0),)), [work]).findings
    assert text(quiet) == "planned work (flushing), no alarm: flow 2 m3/h above its forecast"
    _, again = planned.step(end, RowFlags("00L0", "000", ()), [work]).findings
    assert text(again) == "flow 2 m3/h above its forecast; it has outlasted the planned work (flushing)"


@pytest.mark.parametrize(
    ("code", "method", "numbers", "drawn"),
    [
        ("SYS-RANGE", "SYSTEM", {"value": 25.0, "limit": 16.0}, (16.0, "level")),
        ("SYS-SPIKE", "SYSTEM", {"value": 25.0, "limit": 4.0}, (None, None)),
        ("PRE-STEP", "PREDICT", {"rise_m3h": 8.2, "limit_m3h": 5.1}, (5.1, "above")),
        ("LEAK", "PREDICT", {"rise_m3h": 8.2, "limit_m3h": 5.1}, (5.1, "above")),
        ("LEAK", "VALUE", {"rise_m3h": 8.2}, (None, None)),
        ("SUP-STEP", "PREDICT", {"away_bar": -0.4, "limit_bar": 0.15}, (0.15, "around")),
        ("LEAK", "PREDICT", {}, (None, None)),  # of an older release
    ],
)
def test_the_chart_draws_the_limit_where_it_is_one_of_the_channel(
    code: str, method: str, numbers: dict[str, float], drawn: tuple[float | None, str | None]
) -> None:
    shown = _shown(replace(leak(**numbers), code=code, method=method), None)
    assert shown is not None and (shown["limit"], shown["limit_kind"]) == drawn
