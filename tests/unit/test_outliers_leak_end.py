"""A LEAK goes on until the water is back: ordinary falls of the use do not end it, and a repair does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import pytest
from msgspec import structs
from outlier_site import DAY, LEARN_DAYS, MEAN_M3H, START, UTC, burst, detect, history

from outliers.criteria import Criteria
from outliers.findings import Finding
from outliers.watch.closing import Closing, Said
from outliers.watch.detector import Detector

BEGIN, REPAIRED = 2 * DAY + 9 * 60, 10 * DAY + 9 * 60


@pytest.mark.parametrize(
    ("kind", "share", "seed", "slow_min"),
    [("learnt", 0.06, 14, 3 * DAY), ("learnt", 0.10, 14, 3 * 60), ("restless", 0.10, 3, 8 * 60)],
)
def test_a_leak_is_up_from_its_raise_to_its_repair(
    kind: str, share: float, seed: int, slow_min: int, request: pytest.FixtureRequest
) -> None:
    """`slow_min`: a repair shows within these; that of a small leak needs nights."""
    criteria: Criteria = request.getfixturevalue(kind)
    rows = history(14, seed=seed, first=START + LEARN_DAYS * DAY, restless=0.15 if kind == "restless" else 0.0)
    burst(rows, BEGIN, REPAIRED, share)
    found, _ = detect(criteria, rows)
    leaks = [(one.state, one.minute - rows.first) for one in found if one.code == "LEAK"]
    assert [state for state, _ in leaks] == ["raise", "clear"]
    assert BEGIN < leaks[0][1] < REPAIRED - 4 * DAY
    assert REPAIRED <= leaks[1][1] <= REPAIRED + slow_min


def test_a_leak_that_has_dwindled_away_ends_too(learnt: Criteria) -> None:
    rows = history(12, seed=5, first=START + LEARN_DAYS * DAY)
    for day in range(1, 8):  # 30 % for a day, then 5 % less every day
        burst(rows, (2 + day) * DAY, (3 + day) * DAY, max(0.0, 0.35 - 0.05 * day))
    found, _ = detect(learnt, rows)
    leaks = [(one.state, (one.minute - rows.first) / DAY) for one in found if one.code == "LEAK"]
    assert leaks[0][0] == "raise" and leaks[0][1] < 4
    assert leaks[-1][0] == "clear" and leaks[-1][1] < 11


def test_the_end_of_a_small_leak_is_not_told_within_minutes(learnt: Criteria) -> None:
    detector = Detector("001", learnt, UTC)
    detector.step(START + LEARN_DAYS * DAY, MEAN_M3H, 4.3)
    assert detector.watch is not None
    steps = detector.watch.steps
    steps.state.base, steps.state.fast = 0.0, -1.5 * steps.watch_limit
    for limits, told in ((0.8, False), (1.2, True)):
        assert (steps.drop(0, limits * steps.watch_limit / MEAN_M3H) is not None) == told


@dataclass
class Burst:
    """A leak of 30 % of the mean that is never repaired; `detector` has raised it as a LEAK, `rest` is what follows."""

    detector: Detector
    rest: Iterator[tuple[int, float, float]]
    found: list[Finding]

    def go_on(self, days: int) -> list[tuple[str, str, str]]:
        """Code, state and end of what comes in these days."""
        found = [one for row in islice(self.rest, days * DAY) for one in self.detector.step(*row).findings]
        self.found += found
        return [(one.code, one.state, one.end) for one in found if one.code.startswith("LEAK")]

    def up(self) -> bool:
        return self.detector.log.active.leak is not None

    def close(self, said: Said, *, up: bool = True, second: int = 0) -> None:
        minute = (self.detector.minute or 0) + 1
        raised = tuple(one.minute for one in self.found if one.code == "LEAK" and one.state == "raise")
        self.detector.on_closing(minute, Closing(60 * minute + second, said, raised, up))


@pytest.fixture
def leaking(learnt: Criteria) -> Burst:
    rows = history(50, seed=14, first=START + LEARN_DAYS * DAY)
    burst(rows, BEGIN, 50 * DAY, 0.3)
    values = zip(range(rows.first, rows.first + 50 * DAY), rows.flow.tolist(), rows.pressure.tolist(), strict=True)
    one = Burst(Detector("001", learnt, UTC), values, [])
    while one.detector.log.active.leak is None:
        one.go_on(1)
    return one


def test_a_leak_does_not_become_usual_by_itself(leaking: Burst) -> None:
    assert leaking.go_on(30) == []
    size, error = leaking.detector.leak_now() or (0.0, 0.0)
    assert abs(size - 0.3 * MEAN_M3H) < 3 * error


@pytest.mark.parametrize("said", [Said.ACCEPTED, Said.FALSE_ALARM])
def test_what_people_accept_is_usual_from_then_on(leaking: Burst, said: Said, learnt: Criteria) -> None:
    leaking.close(said)
    assert leaking.go_on(20) == [("LEAK", "clear", "accepted")]
    assert leaking.detector.leak_now() is None
    later = Detector("001", replace(learnt, version=9), UTC, leaking.detector.state()).state().flow.expectation
    assert later is not None and later.leak_size == 0  # it is in the profile that was learnt meanwhile


def test_what_is_said_to_be_repaired_and_goes_on_is_raised_again(leaking: Burst) -> None:
    leaking.close(Said.REPAIRED)
    assert leaking.go_on(3) == [("LEAK", "clear", "repaired"), ("LEAK", "raise", "")]


def test_a_closing_is_taken_once_and_only_real_leaks_do_not_raise_the_limits(leaking: Burst) -> None:
    active = leaking.detector.log.active
    before = active.often
    leaking.close(Said.FALSE_ALARM, up=False)
    assert leaking.up() and active.often == before
    leaking.close(Said.REPAIRED)  # a closing that was taken before
    leaking.close(Said.REPAIRED, second=2 * 86_400)  # by a clock that was wrong
    assert leaking.up() and active.often == before
    leaking.close(Said.REPAIRED, second=1)
    assert not leaking.up() and active.often == pytest.approx(0.0, abs=1e-9)


def test_a_leak_that_stands_long_hides_no_smaller_one(leaking: Burst) -> None:
    leaking.go_on(16)
    leaking.rest = ((minute, flow + 0.2 * MEAN_M3H, pressure) for minute, flow, pressure in leaking.rest)
    assert leaking.go_on(1) == [("LEAK-MORE", "raise", "")]
    active = leaking.detector.log.active
    more, whole = active.more, active.known
    assert more is not None and whole is not None
    active.more = structs.replace(more, raised=more.raised - 15 * DAY)
    leaking.detector.log.on_leak_hour(leaking.detector.minute or 0, None, None)
    assert active.leak == whole
    assert leaking.go_on(1)[0] == ("LEAK-MORE", "clear", "part")


def test_a_state_whose_leak_was_raised_in_the_future_stops_nothing(learnt: Criteria) -> None:
    """A disk has changed a digit of it."""
    detector, rows = Detector("001", learnt, UTC), history(6, seed=5, first=START + LEARN_DAYS * DAY)
    burst(rows, DAY, 6 * DAY, 0.3)
    values = zip(range(rows.first, rows.first + 6 * DAY), rows.flow, rows.pressure, strict=True)
    while detector.log.active.leak is None:
        detector.step(*next(values))
    known = detector.log.active.leak
    detector.log.active.leak = structs.replace(known, raised=known.raised + 10**6)
    detector.log.active.counted += 10**8
    for minute, flow, pressure in values:
        detector.step(minute, flow, pressure)
    assert detector.leak_now() is not None
