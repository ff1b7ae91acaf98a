"""What the model sees at an origin, number by number, beside plain indexing of the residuals."""

from typing import cast

import numpy as np
import pytest

from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import DAY, WEEK, units_of
from forecaster.features import (
    DAY_CIRCLE,
    DAYS,
    HOUR,
    HOUR_INPUTS,
    LEAD,
    LEAD_INPUTS,
    SHARED,
    SHARED_INPUTS,
    SPAN,
    WINDOWS_H,
    columns,
    in_order,
)
from forecaster.gather import Batch, gather
from forecaster.panel import Panel, panel_of

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


def named(lead: np.ndarray, name: str) -> np.ndarray:
    return lead[:, :, columns(LEAD_INPUTS, name)][..., 0]


def test_each_input_has_a_name_of_its_own_in_its_table() -> None:
    for table, width in ((HOUR_INPUTS, HOUR), (SHARED_INPUTS, SHARED), (LEAD_INPUTS, LEAD)):
        taken = np.zeros(width, dtype=int)
        for one in table:
            taken[columns(table, one.name)] += 1
        assert (taken == 1).all()


def test_an_input_without_a_value_or_a_value_without_an_input_is_refused() -> None:
    values = {one.name: np.zeros(3, dtype=np.float32) for one in DAY_CIRCLE}
    assert in_order(DAY_CIRCLE, values).shape == (3, 4)
    for wrong in ({**values, "moon": values["day_sin"]}, {"day_sin": values["day_sin"]}):
        with pytest.raises(KeyError):
            in_order(DAY_CIRCLE, wrong)


def test_a_lead_sees_the_same_hour_of_earlier_weeks_and_days(panel: Panel) -> None:
    lead = batch(panel).lead
    for week, name in ((1, "own_1_week"), (2, "own_2_weeks"), (3, "own_3_weeks")):
        np.testing.assert_array_equal(named(lead, name), own(panel, WEEK * week - LEADS))
    same_hour = (DAY - LEADS) % DAY
    np.testing.assert_array_equal(named(lead, "own_1_day"), own(panel, same_hour))
    np.testing.assert_array_equal(named(lead, "own_2_days"), own(panel, same_hour + DAY))
    weeks = np.stack([panel.seen[SERIES[:, None], COLUMN - same_hour - DAY * d] for d in range(7)])
    total = np.stack([own(panel, same_hour + DAY * d) for d in range(7)]).sum(0)
    np.testing.assert_allclose(named(lead, "own_week_mean"), total / np.maximum(weeks.sum(0), 1), rtol=1e-5)


def test_a_lead_sees_the_others(panel: Panel) -> None:
    lead = batch(panel).lead
    at = COLUMN - (DAY - LEADS) % DAY
    rest = np.array([[line for line in range(3) if line != mine] for mine in SERIES])  # [B, 2]
    values, seen = (a[rest[:, None], at[..., None]] for a in (panel.z, panel.seen))
    np.testing.assert_allclose(
        named(lead, "others_1_day"), values.sum(2) / np.maximum(seen.sum(2), 1), rtol=1e-5, atol=1e-6
    )


def test_all_leads_see_the_means_of_the_last_hours(panel: Panel) -> None:
    shared = batch(panel).shared
    for number, hours in enumerate(WINDOWS_H):
        last = np.arange(hours)
        count = np.maximum(panel.seen[SERIES[:, None], COLUMN - last].sum(1), 1)
        values = own(panel, last)
        np.testing.assert_allclose(
            shared[:, columns(SHARED_INPUTS, "own_means")][:, number], values.sum(1) / count, rtol=1e-4, atol=1e-6
        )
        np.testing.assert_allclose(
            shared[:, columns(SHARED_INPUTS, "own_sizes")][:, number], np.abs(values).sum(1) / count, rtol=1e-4
        )


def test_a_dropped_day_is_not_seen(panel: Panel) -> None:
    drop = np.zeros((len(SERIES), DAYS), dtype=bool)
    drop[:, -1] = True
    whole, less = batch(panel), batch(panel, drop)
    assert (less.recent[:, -DAY:, :2] == 0).all()
    np.testing.assert_array_equal(less.recent[:, :-DAY, :2], whole.recent[:, :-DAY, :2])
    assert (named(less.lead[:, LEADS <= DAY], "own_1_day") == 0).all()
