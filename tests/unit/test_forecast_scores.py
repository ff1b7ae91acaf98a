"""The numbers that are published about forecasts, beside the same ones by hand."""

import numpy as np
import pandas as pd
import pytest

from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import DAY, WEEK
from forecaster.scores import pinball, scores, week_score

ROWS = 4 * WEEK


def test_the_pinball_loss_weighs_the_two_sides_by_the_quantile() -> None:
    truth, told = np.array([10.0, 10.0]), np.array([8.0, 12.0])
    assert pinball(0.05, truth, told).tolist() == pytest.approx([0.1, 1.9])
    assert pinball(0.5, truth, told).tolist() == pytest.approx([1.0, 1.0])


def test_scores_and_the_three_numbers_of_a_week() -> None:
    """Of two series that change by 2 and 4 a week. Off by 1 on the first day, by 2 in its last hour, by 3 after it."""
    weeks = np.repeat([0.0, 1.0, 0.0, 1.0], WEEK)
    y = np.stack([10 + 2 * weeks, 20 + 4 * weeks])
    y[1, -1] = np.nan  # not measured: no pair
    history = HourlyHistory(np.datetime64("2024-01-01T00", "h"), (Series("a", "flow"), Series("b", "flow")), y)
    origin, lead = ROWS - WEEK - 1, np.arange(1, WEEK + 1)
    hours = [str(history.hour(origin + int(n)).astype("datetime64[m]")) for n in (0, *lead)]
    off = np.where(lead < DAY, 1.0, np.where(lead == DAY, 2.0, 3.0))
    told = [
        pd.DataFrame({"series": name, "origin": hours[0], "target": hours[1:], "forecast": 10.0 * k + 2 * k + off})
        for k, name in enumerate("ab", start=1)
    ]
    table = pd.concat(told)
    table = table.assign(low=table.forecast - 2, high=table.forecast + 2)
    made = scores(table, history, ROWS - WEEK)
    assert [(one.last, one.pairs) for one in made] == [(1, 2), (DAY, 2 * DAY), (WEEK, 2 * WEEK - 1)]
    in_units = (1 / 2 + 1 / 4) / 2
    assert made[1].mase == pytest.approx(25 / 24 * in_units)
    of_one, of_two = 0.05 + 0.5 + 0.15, 0.0 + 1.0 + 0.2  # of low, forecast and high
    assert made[1].pinball == pytest.approx(2 / 3 * (23 * of_one + of_two) / 24 * in_units)
    assert made[1].inside == 1.0 and made[2].inside == pytest.approx((DAY / WEEK + DAY / (WEEK - 1)) / 2)
    assert week_score(table, history) == pytest.approx((25 / 24, 2.0, 3.0))
    assert [one.last for one in scores(table[table.target <= hours[DAY]], history, ROWS - WEEK)] == [1, DAY]
