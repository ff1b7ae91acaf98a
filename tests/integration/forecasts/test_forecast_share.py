"""The share of the value of a week ago: where it leads, what it may not see."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from common.forecast_file import ForecastLine
from forecaster import intervals, online
from forecaster.backtest import Wanted, forecasts, learnt
from forecaster.compose import ForecastHour, compose, hours_ahead
from forecaster.dataset import HourlyHistory, Series
from forecaster.fit import fit
from forecaster.intervals import Intervals
from forecaster.online import OnlineCorrections, Told
from forecaster.predict import Forecast, Model, forecast
from forecaster.train import Block

SEOUL = ZoneInfo("Asia/Seoul")
QUICK = [Block(24, 20, 64)]
DAYS, UNTIL = 90, 24 * 66
DRIFT, PUMP = 0, 1


def district() -> HourlyHistory:
    """A flow whose level drifts, and a pump that was switched at random until it got a clock, near the end."""
    random = np.random.default_rng(0)
    hours = np.arange(24 * DAYS)
    drift = np.convolve(random.normal(0, 0.3, len(hours) + 200), 0.97 ** np.arange(200), "valid")[: len(hours)]
    flow = 20 + 6 * np.sin(2 * np.pi * hours / 24) + drift
    on = random.random(168) < 0.4
    clock = np.where(on[hours % 168], 40.0, 0.0)
    clock[:UNTIL] = np.where(random.random(UNTIL) < 0.3, 40.0 - clock[:UNTIL], clock[:UNTIL])
    return HourlyHistory(
        np.datetime64("2024-01-01T00", "h"), (Series("001", "flow"), Series("pump", "flow")), np.stack([flow, clock])
    )


def asked(history: HourlyHistory, every: int = 1) -> Wanted:
    origin = np.arange(UNTIL - 1, history.rows - 24, every)
    names = tuple(s.sensor for s in history.series for _ in origin)
    origin = np.tile(origin, len(history.series))
    return Wanted(names, origin, origin + 1, origin + 24)


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(district(), until_row=UNTIL, horizon=24, version="20240401T000000", blocks=QUICK)


def counted(before: OnlineCorrections, block: int, truth: float, value: float, week_ago: float) -> OnlineCorrections:
    """After one forecast of one series."""
    numbers = (np.array([x]) for x in (value, value - 100, value + 100, truth, week_ago))
    return before.after(Told(np.array([0]), np.array([block]), *numbers))


@pytest.mark.parametrize(
    ("truth", "week_ago", "change"), [(3, 5, 0.8), (1, 4, -1.2), (1, 0.5, 0.8), (np.nan, 4, 0.0), (3, np.nan, 0.0)]
)
def test_a_share_rises_on_the_side_of_a_week_ago_and_falls_on_the_other(
    truth: float, week_ago: float, change: float
) -> None:
    start = OnlineCorrections(np.ones((2, 6)), np.full((2, 6), 0.3))
    after = counted(start, 3, truth, 2.0, week_ago)
    wanted = start.share.copy()
    wanted[0, 3] += change * online.SHARE_STEPS[3]
    np.testing.assert_allclose(after.share, wanted)


def test_a_share_stays_in_its_bounds() -> None:
    up = down = OnlineCorrections(np.ones((1, 6)), np.full((1, 6), 0.5))
    for _ in range(300):
        up, down = counted(up, 0, 3.0, 2.0, 5.0), counted(down, 0, 1.0, 2.0, 5.0)
    assert up.share[0, 0] == online.MOST
    assert down.share[0, 0] == 0


def test_an_hour_without_a_week_ago_is_not_moved() -> None:
    made = Forecast(*(np.full((1, 1, 2), x) for x in (10.0, 8.0, 13.0)))
    moved = OnlineCorrections(np.full((1, 6), 2.0), np.full((1, 6), 0.3))
    got = moved.applied(made, np.array([[[20.0, np.nan]]]), np.array([1, 2]))
    np.testing.assert_allclose(np.stack([got.low, got.value, got.high])[:, 0, 0].T, [[9, 13, 19], [6, 10, 16]])


@pytest.mark.parametrize("lead", [169, 170])
def test_a_value_that_is_not_known_at_the_origin_is_no_naive(lead: int) -> None:
    """Where spring leaves an hour out, a week has 169 leads."""
    y = np.arange(400.0)[None]
    got = online.week_ago(y, np.array([200, 20]), np.array([1, 168, lead]))[0]
    np.testing.assert_array_equal(got, [[33, 200, np.nan], [np.nan, 20, np.nan]])


def test_a_clock_is_forecast_by_its_last_week_in_the_end() -> None:
    """The pump's own model has learnt a muddle, off by 13 m3/h; the other flow keeps its model."""
    history = district()
    table = forecasts(learnt(history, UNTIL, 24, blocks=QUICK), history, asked(history))
    late = table[table.origin >= "2024-03-22"]
    error = off(late, history)
    naive = off(late.assign(forecast=np.nan), history)
    assert error["pump"] < 1.0
    assert error["001"] < naive["001"]


def off(table: pd.DataFrame, history: HourlyHistory) -> pd.Series:
    """Mean absolute error of each series, of the value a week ago where nothing was forecast."""
    line = table.series.map({s.sensor: i for i, s in enumerate(history.series)}).to_numpy()
    row = np.array([history.row(datetime.fromisoformat(t)) for t in table.target])
    made = np.where(np.isnan(table.forecast), history.y[line, row - 168], table.forecast)
    return pd.Series(np.abs(made - history.y[line, row])).groupby(table.series.to_numpy()).mean()


def test_the_share_knows_nothing_after_an_origin() -> None:
    history = district()
    cut = UNTIL + 24 * 12
    spoilt = history.y.copy()
    spoilt[:, cut:] = 1e6
    few = [Block(24, 2, 16)]
    both = history, replace(history, y=spoilt)
    tables = [forecasts(learnt(h, UNTIL, 24, blocks=few), h, asked(h, 11)) for h in both]
    before = (tables[0].origin < str(history.hour(cut).astype("datetime64[m]"))).to_numpy()
    assert 0 < before.sum() < len(before)
    pd.testing.assert_frame_equal(tables[0][before], tables[1][before])
    assert not tables[0][~before].equals(tables[1][~before])


def told(made_at: datetime, hour: datetime, history: HourlyHistory, model: Model, side: float) -> ForecastLine:
    """A forecast on the way from the value of a week ago to the truth (side < 0: past the truth)."""
    row = history.row(hour.astimezone(SEOUL))
    truth, week_ago = history.y[0, row], history.y[0, row - 168]
    said = truth - side * (week_ago - truth)
    return ForecastLine("001", made_at, hour, said, None, said - 100, said + 100, None, None, model.label)


class Following:
    """Intervals of a district, told the truths of single hours."""

    def __init__(self, model: Model) -> None:
        self.intervals, self._model, self._history = Intervals(), model, district()

    def learn(self, hour: datetime, lines: list[ForecastLine]) -> None:
        self.intervals.learn(self._model, self._history, hour, lines, SEOUL)

    def now(self) -> OnlineCorrections:
        return self.intervals.followed(self._model, self._history.series)


def test_the_share_is_kept_over_restarts_and_new_weights(model: Model) -> None:
    history = district()
    following = Following(model)
    hours = [datetime(2024, 3, 20, tzinfo=UTC) + timedelta(hours=k) for k in range(30)]
    for hour in hours:
        following.learn(hour, [told(hour, hour, history, model, 1.0)])
    now = following.now()
    assert now.share[0, 0] == pytest.approx(30 * 0.8 * online.SHARE_STEPS[0], abs=1e-4)
    assert np.count_nonzero(now.share) == 1
    again, newer = Intervals(following.intervals.text), replace(model, version="20240408T000000")
    for which in (model, newer):
        np.testing.assert_array_equal(again.followed(which, history.series).share, now.share)
    assert not np.array_equal(again.followed(newer, history.series).stretch, now.stretch)  # those are the weights' own


def test_a_series_that_new_weights_have_not_learnt_keeps_its_own_interval(model: Model) -> None:
    """What they give it is that of any unknown one; its own hours have told better."""
    history = district()
    following = Following(model)
    for k in range(5):
        hour = datetime(2024, 3, 20, tzinfo=UTC) + timedelta(hours=k)
        following.learn(hour, [told(hour, hour, history, model, 1.0)])
    own = following.now().stretch[0]
    names = tuple(replace(s, sensor=f"{s.sensor} of another") for s in model.series)
    unknowing = replace(model, version="20240408T000000", series=names)
    assert not np.array_equal(own, OnlineCorrections.start(unknowing, history.series).stretch[0])
    np.testing.assert_allclose(following.intervals.followed(unknowing, history.series).stretch[0], own, atol=1e-4)


def test_the_hours_ahead_are_counted_once_a_forecast_not_once_a_line(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand sensors have 24,000 lines an hour: each counting hours on the wall clock took half a minute."""
    asked: list[datetime] = []

    def counted(at: datetime, horizon: int, zone: ZoneInfo) -> list[ForecastHour]:
        asked.append(at)
        return hours_ahead(at, horizon, zone)

    monkeypatch.setattr(intervals, "hours_ahead", counted)
    history, hour = district(), datetime(2024, 3, 20, tzinfo=UTC)
    made = [hour - timedelta(hours=k) for k in range(24) for _ in range(5)]
    Following(model).learn(hour, [told(at, hour, history, model, 1.0) for at in made])
    assert sorted(asked) == sorted(set(made))


def test_an_hour_counts_once_and_each_block_for_itself(model: Model) -> None:
    """Leads 1, 2 and 24 of one hour: three blocks; a second look at the hour changes nothing."""
    history, hour = district(), datetime(2024, 3, 20, tzinfo=UTC)
    sides = {0: 1.0, 1: -0.5, 23: 1.0}
    told_then = [told(hour - timedelta(hours=back), hour, history, model, side) for back, side in sides.items()]
    following = Following(model)
    for _ in range(2):
        following.learn(hour, told_then)
    up = 0.8 * online.SHARE_STEPS[0]
    np.testing.assert_allclose(following.now().share[0], [up, 0, 0, up, 0, 0], atol=1e-5)


def test_a_truth_on_the_other_side_leaves_no_share(model: Model) -> None:
    history, hour = district(), datetime(2024, 3, 20, tzinfo=UTC)
    following = Following(model)
    following.learn(hour, [told(hour, hour, history, model, -0.5)])
    assert not following.now().share.any()


@pytest.mark.parametrize("kept", ["missing", {"001/flow": [0.5]}, {"001/flow": [0.5] * 18}, {"001/flow": "x"}])
def test_what_another_release_kept_starts_without_shares(kept: object, model: Model) -> None:
    state: dict[str, object] = {"version": model.version, "through": "", "stretch": {}, "share": kept}
    if kept == "missing":
        del state["share"]
    assert not Intervals(json.dumps(state)).followed(model, district().series).share.any()


def test_an_hour_s_forecast_goes_the_share_s_way_with_its_interval(model: Model) -> None:
    history = district()
    made_at = datetime(2024, 3, 25, 0, tzinfo=SEOUL)
    origin = np.array([history.row(made_at) - 1])
    plain = replace(model, stretch=np.ones((3, 6)))
    alone = forecast(plain, history, origin, np.arange(1, 25))
    followed = OnlineCorrections(np.full((2, 6), 2.0), np.full((2, 6), 0.25))
    lines = compose(history, made_at, SEOUL, horizon=24, model=plain, followed=followed)
    got = np.array([[x.flow, x.flow_low, x.flow_high] for x in lines if x.sensor == "001"], dtype=float)
    week_ago = history.y[0, origin[0] + 1 - 168 : origin[0] + 25 - 168]
    np.testing.assert_allclose(got[:, 0], 0.75 * alone.value[0, 0] + 0.25 * week_ago)
    np.testing.assert_allclose(got[:, 2] - got[:, 1], 2 * (alone.high - alone.low)[0, 0])
