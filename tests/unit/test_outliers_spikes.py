"""Spikes: out and back within three rows, measured from what was before and what came after."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from outliers.criteria import ChannelLimits
from outliers.learn.gate import channel_limits
from outliers.watch.evidence import Change, Evidence
from outliers.watch.gate import Gate, GateState

LIMITS = ChannelLimits(low=0.0, high=100.0, stuck_rows=60, jump=4.0)
CALM = [20.0, 20.5, 19.5, 20.2, 19.8, 20.1]
AFTER = [19.9, 20.3, 20.0, 20.4]


def judge(values: list[float | None], limits: ChannelLimits = LIMITS) -> tuple[str, list[Evidence]]:
    """The letters of the rows, and what began and ended."""
    gate, letters, seen = Gate("flow", limits), "", list[Evidence]()
    for minute, value in enumerate(values):
        letters += gate.on_row(minute, value)
        seen += gate.take()
        gate = Gate("flow", limits, msgspec.convert(msgspec.to_builtins(gate.state), GateState))
    return letters, seen


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_spike_is_named_once_three_rows_after_it(rows: int) -> None:
    letters, seen = judge([*CALM, *[26.0] * rows, *AFTER])
    assert letters == "0" * 6 + "K" * rows + "0" * 4
    assert [(one.rule.code, one.change) for one in seen] == [("SYS-SPIKE", Change.BEGAN), ("SYS-SPIKE", Change.ENDED)]
    assert seen[0].since == len(CALM), "since its first row"
    assert seen[0].numbers == pytest.approx({"value": 26, "minutes": rows, "before": 20.1, "after": 20, "limit": 4})
    assert (seen[1].end, seen[1].numbers) == ("back", {})


def test_a_value_that_stays_or_moves_on_is_no_spike() -> None:
    for later in ([26.0] * 8, [26.0, 25.0, 24.0, 23.5, 23.0, 23.2, 23.1], [26.0, 26.2, 23.9, 23.8, 24.0, 23.9]):
        assert judge([*CALM, *later])[1] == []


def test_two_spikes_with_a_row_between_are_no_spike_of_their_own() -> None:
    seen = judge([*CALM, 26.0, 20.0, 27.0, *AFTER])[1]
    assert len(seen) == 2
    assert (seen[0].numbers["value"], seen[0].numbers["minutes"]) == (27.0, 1)


def test_a_gap_forgets_what_was_held() -> None:
    assert judge([*CALM, 26.0, 20.0, None, *AFTER])[1] == []


def test_the_limit_is_about_what_comes_back_not_about_steps() -> None:
    random = np.random.default_rng(5)
    flow = 20.0 + random.normal(0, 0.5, 100 * 1440)
    steps = np.repeat(np.tile([0.0, 8.0], 1200), 60)[: len(flow)]  # a pump each hour
    quiet = channel_limits(flow, replace(LIMITS, jump=0.0), floor_share=0.0, rooted=False).jump
    pumped = channel_limits(flow + steps, replace(LIMITS, jump=0.0), floor_share=0.0, rooted=False).jump
    assert 1.0 < quiet < 3.5
    assert pumped == pytest.approx(quiet, rel=0.15)
