"""What the model sees at an origin, number by number, beside plain indexing of the residuals."""

from typing import cast

import numpy as np
import pytest

from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import DAY, WEEK, units_of
from forecaster.features import DAYS, RECENT_H, SPAN, WINDOWS_H, Batch, Panel, gather, panel_of

LEADS = np.array([1, 13, 24, 25, 47, 168])
SERIES, ORIGIN = np.array([0, 1, 2, 0]), np.array([700, 1200, 1199, 1503])
COLUMN = SPAN + ORIGIN[:, None]  # of each window's origin on the padded grid


@pytest.fixture(scope="module")
def panel() -> Panel:
    random = np.random.default_rng(0)
    y = 10 + random.normal(0, 1, (3, 24 * 80))
    y[random.random(y.shape) < 0.1] = np.nan
    history = HourlyHistory(np.datetime64("2024-01-01T00", "h"), tuple(Series(n, "flow") for n in "abc"), y)
    return panel_of(history, units_of(y))


def batch(panel: Panel, drop: np.ndarray | None = None) -> Batch:
    return gather(panel, SERIES, ORIGIN, np.tile(LEADS, (len(SERIES), 1)), drop)


def own(panel: Panel, hours_back: np.ndarray) -> np.ndarray:
    return cast(np.ndarray, panel.z[SERIES[:, None], COLUMN - hours_back])


def test_a_lead_sees_the_same_hour_of_earlier_weeks_and_days(panel: Panel) -> None:
    lead = batch(panel).lead
    for week, column in ((1, 7), (2, 9), (3, 11)):
        np.testing.assert_array_equal(lead[:, :, column], own(panel, WEEK * week - LEADS))
    same_hour = (DAY - LEADS) % DAY
    np.testing.assert_array_equal(lead[:, :, 13], own(panel, same_hour))
    np.testing.assert_array_equal(lead[:, :, 15], own(panel, same_hour + DAY))
    weeks = np.stack([panel.seen[SERIES[:, None], COLUMN - same_hour - DAY * d] for d in range(7)])
    total = np.stack([own(panel, same_hour + DAY * d) for d in range(7)]).sum(0)
    np.testing.assert_allclose(lead[:, :, 19], total / np.maximum(weeks.sum(0), 1), rtol=1e-5)


def test_a_lead_sees_the_others(panel: Panel) -> None:
    lead = batch(panel).lead
    at = COLUMN - (DAY - LEADS) % DAY
    rest = np.array([[line for line in range(3) if line != mine] for mine in SERIES])  # [B, 2]
    values, seen = (a[rest[:, None], at[..., None]] for a in (panel.z, panel.seen))
    np.testing.assert_allclose(lead[:, :, 21], values.sum(2) / np.maximum(seen.sum(2), 1), rtol=1e-5, atol=1e-6)


def test_all_leads_see_the_means_of_the_last_hours(panel: Panel) -> None:
    shared = batch(panel).shared
    for number, hours in enumerate(WINDOWS_H):
        last = np.arange(hours)
        count = np.maximum(panel.seen[SERIES[:, None], COLUMN - last].sum(1), 1)
        place = 2 * RECENT_H + number
        values = own(panel, last)
        np.testing.assert_allclose(shared[:, place], values.sum(1) / count, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(shared[:, place + len(WINDOWS_H)], np.abs(values).sum(1) / count, rtol=1e-4)


def test_a_dropped_day_is_not_seen(panel: Panel) -> None:
    drop = np.zeros((len(SERIES), DAYS), dtype=bool)
    drop[:, -1] = True
    whole, less = batch(panel), batch(panel, drop)
    assert (less.recent[:, -DAY:, :2] == 0).all()
    np.testing.assert_array_equal(less.recent[:, :-DAY, :2], whole.recent[:, :-DAY, :2])
    assert (less.lead[:, LEADS <= DAY][:, :, 13] == 0).all()
