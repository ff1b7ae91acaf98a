"""Where watching and learning compute the same number in two forms, minute by minute and over arrays, both agree."""

import ast
import math
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import outliers
from common.night import DEFAULT_HOURS, ReportHours
from nightflow.leakage import Tenth, quiet_hour
from outliers.criteria import ChannelLimits, FlowUse, NightUse
from outliers.flicker import TextureUse
from outliers.flow_shift import ShiftTracker
from outliers.hour_model import HourModel
from outliers.learn import flicker, gate, hourly, meter_scale, night_minimum, step_change
from outliers.learn.day_kinds import Calendar
from outliers.learn.rolling import running_mean
from outliers.meter_scale import ScaleUse
from outliers.rules import (
    NIGHTS_HELD_BACK,
    NIGHTS_KEPT,
    SCALE_BLOCK_MIN,
    SCALE_WINDOWS,
    STEP_BLOCK_ROWS,
    STEP_CARRY,
    STEP_WINDOWS,
)
from outliers.watch.evidence import Change
from outliers.watch.flicker_watch import FlickerWatch
from outliers.watch.gate import Gate
from outliers.watch.meter_scale_watch import MeterScaleWatch
from outliers.watch.night_minimum import NightMinimum, NightState
from outliers.watch.step_change import KEPT_BLOCKS, StepWatch

DAY = 1440
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=25, deadline=None)
MODEL = HourModel(hour_memory=0.7, day_memory=0.97, day_variance=1e-4, level_variance=1e-6, spread=(0.03,) * 168)


def flow_use() -> FlowUse:
    return FlowUse(
        mean_m3h=40.0,
        profile_m3h=((40.0,) * 96,) * 7,
        hours=MODEL,
        level=0.0,
        watch_score=3.0,
        early_score=5.0,
        short_score=5.0,
        long_score=5.0,
        step_spread_m3h=(1.0,) * 168,
        lasting_spread_m3h=(1.0,) * 168,
        step_watch=(math.inf,) * (1 + len(STEP_WINDOWS)),
        step_leak=math.inf,
    )


@FEW
@given(SEEDS, st.sampled_from([DEFAULT_HOURS, ReportHours(90, 210), ReportHours(1380, 370), ReportHours(120, 60)]))
def test_the_minimum_of_a_night_is_the_same_for_report_alarm_and_limits(seed: int, hours: ReportHours) -> None:
    """Minutes are missing; the minutes just outside the hours are the quietest of all."""
    random = np.random.default_rng(seed)
    flow = random.uniform(5.0, 15.0, 3 * DAY)
    first = DAY + hours.start + 1
    flow[first - 60 : first] = flow[first + hours.minutes : first + hours.minutes + 60] = 1.0
    flow[random.integers(0, len(flow), 600)] = np.nan
    flow[: first - 60] = np.nan
    flow[first + hours.minutes + 60 :] = np.nan
    learnt = night_minimum.night_minima(flow, Calendar.of(0, len(flow), ZoneInfo("UTC"), ()), hours)
    night = NightMinimum(NightUse((), 1.0, 3.0, 5.0, *hours))
    tenths: dict[int, Tenth] = {}
    for minute in range(first - 60, first + hours.minutes + 60):
        if math.isfinite(flow[minute]):
            night.on_row(minute, minute % DAY, float(flow[minute]))
            tenth = tenths.get((minute - first) // 10, Tenth())
            if 0 <= minute - first < hours.minutes:
                tenths[(minute - first) // 10] = replace(
                    tenth, flow_sum=tenth.flow_sum + float(flow[minute]), flow_count=tenth.flow_count + 1
                )
    night.on_night_end(0.0)
    reported = quiet_hour(tenths)
    assert night.state.nights == pytest.approx([lowest for _, lowest in learnt])
    friday = 4
    assert {kind for kind, _ in learnt} <= {friday + (hours.start + hours.minutes > DAY)}, "the day after the night"
    assert night.state.nights == pytest.approx([] if reported is None else [reported.flow_m3h])


@FEW
@given(st.lists(st.floats(-9.0, 9.0), min_size=1, max_size=10))
def test_the_creep_of_the_nights(scores: list[float]) -> None:
    usual = (20.0,) * (NIGHTS_KEPT + NIGHTS_HELD_BACK)  # ten nights do not move a median of 24 equal ones
    night = NightMinimum(NightUse(usual, 1.0, 3.0, 5.0, *DEFAULT_HOURS))
    seen = []
    for number, score in enumerate(scores):
        for minute in range(1, DEFAULT_HOURS.minutes + 1):
            night.on_row(number * DAY + minute, minute, 20.0 + score)
        result = night.on_night_end(0.0)
        assert result is not None
        seen.append(result.creep)
    assert seen == pytest.approx(night_minimum.creeps(np.array(scores)), abs=1e-9)


def test_a_night_whose_end_was_never_seen_is_no_part_of_the_next() -> None:
    """The box was off from half past three until the evening."""
    night = NightMinimum(NightUse((), 1.0, 3.0, 5.0, *DEFAULT_HOURS))
    for minute in range(1, 210):
        night.on_row(minute, minute, 1.0)
    for minute in range(1, 290):
        night.on_row(DAY + minute, minute, 9.0)
    night.on_night_end(0.0)
    assert night.state.nights == [9.0]


def test_nights_of_other_hours_are_no_reference() -> None:
    old = NightMinimum(NightUse((1.0, 2.0), 1.0, 3.0, 5.0, 90, 210))
    use = NightUse((3.0, 4.0), 1.0, 3.0, 5.0, *DEFAULT_HOURS)
    assert NightMinimum(use, old.state).state.nights == [3.0, 4.0]
    kept = NightMinimum(use, NightState(DEFAULT_HOURS, old.state.nights))
    assert kept.state.nights == [1.0, 2.0]


@FEW
@given(SEEDS, st.integers(0, len(STEP_WINDOWS) - 1))
def test_the_height_of_a_step(seed: int, window: int) -> None:
    residual = np.random.default_rng(seed).normal(0.0, 3.0, KEPT_BLOCKS * STEP_BLOCK_ROWS)
    base = STEP_CARRY * running_mean(residual, step_change.BASE_ROWS)
    learnt = step_change.step(residual, base, step_change.WINDOW_ROWS[1 + window])
    watch = StepWatch(flow_use())
    watch.watch_limit = math.inf
    watch.window_limits = [-math.inf if place == window else math.inf for place in range(len(STEP_WINDOWS))]
    said = [watch.on_row(minute, float(value)) for minute, value in enumerate(residual)]
    assert said == [Change.NONE] * (len(residual) - 1) + [Change.BEGAN]
    assert watch.rise == pytest.approx(learnt[-1])


@FEW
@given(SEEDS, st.integers(1, 3), st.floats(-60.0, 60.0), st.sampled_from([0.0, 30.0]))
def test_how_far_a_spike_is_away(seed: int, rows: int, height: float, typical: float) -> None:
    random = np.random.default_rng(seed)
    before, after = random.uniform(39.0, 41.0, 5), random.uniform(39.0, 41.0, 3)
    values = np.concatenate([before, [40.0 + height] * rows, after])
    away = float(gate._excursions(values, typical)[len(before)])
    for limit, spikes in ((away * 0.999, True), (away * 1.001, False)):
        if away < 4.0:  # as small as the values' own scatter: those around it may look held, too
            return
        channel = Gate("flow", ChannelLimits(-100.0, 200.0, jump=limit, typical=typical))
        for minute, value in enumerate(values):
            channel.on_row(minute, float(value))
        assert [one.rule.code for one in channel.take()] == (["SYS-SPIKE"] * 2 if spikes else [])


@FEW
@given(SEEDS)
def test_what_the_flicker_says_of_an_hour(seed: int) -> None:
    random = np.random.default_rng(seed)
    use = TextureUse(by_use_m3h=0.2, steady_m3h=12.0, by_bar_m3h=0.0, usual_bar=0.0, error=1.1, wander=0.003)
    flow, mean = 40.0 + random.normal(0.0, 3.0, 120), 40.0
    watched = FlickerWatch(use, mean)
    for minute, value in enumerate(flow):
        if minute % 15 == 0:
            watched.on_quarter(minute // 15, mean)
        watched.on_flow(minute, float(value))
    still = watched.since(60, 0.0)
    square = np.minimum(np.square(np.diff(flow, prepend=np.nan)), watched.state.cap)
    learnt = flicker.Texture(use, flow, flow, flow - use.steady_m3h, square, mean)
    size, error = (values[-1] / mean for values in learnt.running(60))
    assert still is not None
    assert still.size == pytest.approx(size)
    assert still.error == pytest.approx(error)


@FEW
@given(SEEDS)
def test_the_scale_of_the_meter(seed: int) -> None:
    random = np.random.default_rng(seed)
    blocks, mean = SCALE_WINDOWS[1] + 1, 40.0
    flow = random.uniform(20.0, 60.0, blocks * SCALE_BLOCK_MIN)
    pressure = 4.0 - 0.3 * (flow / mean) ** 1.85 + random.normal(0.0, 0.05, len(flow))
    flow[random.integers(0, len(flow), len(flow) // 4)] = np.nan
    squares, products, _, _ = meter_scale._quarters(flow, pressure, mean)
    slope, error2 = -0.25, 1e-3
    squares, products = (meter_scale._sums(sums, meter_scale.QUARTERS_A_BLOCK) for sums in (squares, products))
    learnt = meter_scale._scores(squares, products, slope, error2)
    scale = MeterScaleWatch(ScaleUse(slope, scatter_bar2=math.inf, error2=error2, limit=0.0), mean)
    for minute, (value, bar) in enumerate(zip(flow, pressure, strict=True)):
        if minute % 15 == 0 and minute:
            scale.on_quarter_end(minute // 15 - 1, minute)
        if math.isfinite(value):
            scale.on_row(float(value / mean) ** 1.85, float(bar))
    scale.on_quarter_end(len(flow) // 15 - 1, len(flow))
    off = scale.wrong()
    assert off is not None
    assert off.score == pytest.approx(learnt[-1])


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_how_the_hours_move(seed: int) -> None:
    """The likelihood of a model, from the tracker's own surprises, is what the fit of all models makes of it."""
    random = np.random.default_rng(seed)
    ratio = random.normal(0.0, 0.05, hourly.WARM_H + 48)
    ratio[5::17] = np.nan
    slot = np.arange(len(ratio)) % 168
    spread = tuple(random.uniform(0.01, 0.06, 168).tolist())
    model = replace(MODEL, spread=spread, usual_spread=float(np.mean(spread)))
    one = {
        name: np.array([getattr(model, field)])
        for name, field in (
            ("by_hour", "hour_memory"),
            ("by_day", "day_memory"),
            ("day_variance", "day_variance"),
            ("level_variance", "level_variance"),
        )
    }
    loads = np.array([model.load(int(hour)) for hour in slot])
    learnt = hourly._likelihood(ratio, loads, model.usual_spread, **one)[0]
    tracker, total = ShiftTracker(model, level=float(np.nanmedian(ratio[: hourly.WARM_H]))), 0.0
    for hour, value in enumerate(ratio.tolist()):
        load, state = model.load(int(slot[hour])), tracker.state
        expected = state.level + load * (state.day * model.day_memory + state.short * model.hour_memory)
        tracker.on_hour(hour, int(slot[hour]), None if math.isnan(value) else value, 1.0)
        if hour >= hourly.WARM_H and not math.isnan(value):
            surprise = tracker.state.surprise
            total -= math.log((value - expected) / surprise)
            total -= (hourly.TAIL + 1) / 2 * math.log1p(surprise**2 / hourly.TAIL)
    assert learnt == pytest.approx(total)


def numbers(half: str) -> set[tuple[str, str]]:
    """Each constant that a module of one half defines for itself: its name, and the number as it is written."""
    found = set()
    for path in (Path(outliers.__file__).parent / half).glob("*.py"):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.add((node.targets[0].id, ast.unparse(node.value)))
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                assert isinstance(node.value, ast.Tuple)
                names, values = ([ast.unparse(one) for one in side.elts] for side in (node.targets[0], node.value))
                found.update(zip(names, values, strict=True))
    return found


def test_no_constant_stands_in_both_halves() -> None:
    assert numbers("watch") & numbers("learn") == set()
