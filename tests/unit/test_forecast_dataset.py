"""The hourly history: what is masked, the bases of it, and the fallback."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster import holidays
from forecaster.dataset import HourlyHistory, Series, unmask_long_leaks
from forecaster.fallback import WEEK, fallback, mean_of_weeks, scale_of
from forecaster.weekly_profile import base_of

FLOW = Series("001", "flow")


def test_a_leak_is_masked_for_days_but_not_for_ever() -> None:
    leak = np.zeros(200, dtype=bool)
    leak[50:180] = True
    masked = unmask_long_leaks(leak, longest_h=72)
    assert masked[50:122].all()
    assert not masked[122:].any()
    assert not masked[:50].any()


@given(st.integers(1, 168), st.integers(0, 3))
def test_the_base_is_known_a_week_ahead(lead: int, seed: int) -> None:
    """Nothing at or after the origin's next row moves the base of a lead up to 168."""
    random = np.random.default_rng(seed)
    y = random.normal(10, 1, (1, 1500))
    origin = 1200
    changed = y.copy()
    changed[:, origin + 1 :] = np.nan
    assert mean_of_weeks(y).level[0, origin + lead] == mean_of_weeks(changed).level[0, origin + lead]


def test_the_base_is_the_mean_of_the_last_four_that_are_there() -> None:
    y = np.repeat(np.arange(9.0), WEEK)[None]
    y[0, 7 * WEEK] = np.nan
    base = mean_of_weeks(y)
    assert base.level[0, 9 * WEEK + 1] == np.mean([8, 7, 6, 5])
    assert base.level[0, 9 * WEEK - 1 + 1] == np.mean([8, 6, 5, 4]), "one week is missing: the one before stands in"


def test_a_constant_signal_has_a_scale() -> None:
    assert scale_of(np.full((1, 500), 4.0))[0] > 0
    assert np.isnan(scale_of(np.full((1, 170), 4.0))[0]), "two hours of pairs say nothing"


@pytest.mark.parametrize(
    ("hours", "label"), [(0, "none"), (1, "mean"), (24, "naive-24h"), (168, "naive-168h"), (336, "mean-4w")]
)
def test_the_fallback_says_what_it_is(hours: int, label: str) -> None:
    made = fallback(np.arange(float(hours)), 24)
    assert made.label[0] == label
    assert np.isfinite(made.value).all() == (label != "none")
    assert (made.half_width >= 0).all() or label == "none"


def test_the_fallback_steps_over_missing_hours() -> None:
    y = np.tile(np.arange(24.0), 21)
    y[-24:] = np.nan
    assert fallback(y, 24).value == pytest.approx(np.arange(24.0))


@given(st.integers(1, 168), st.integers(0, 3), st.integers(0, 30))
def test_no_base_looks_less_than_a_week_back(lead: int, seed: int, hour: int) -> None:
    random = np.random.default_rng(seed)
    y = 10 + np.sin(np.arange(1500) / 4)[None] + random.normal(0, 1, (1, 1500))
    first = np.datetime64("2024-01-01T00", "h") + np.timedelta64(hour, "h")
    origin = 1200
    changed = y.copy()
    changed[:, origin + 1 :] = random.choice([np.nan, 1e6])
    made = [base_of(HourlyHistory(first, (FLOW,), values), np.ones(1)) for values in (y, changed)]
    for part in ("level", "spread", "weeks", "others"):
        before, after = (getattr(base, part)[..., : origin + lead + 1] for base in made)
        np.testing.assert_array_equal(before, after)


def test_the_base_of_many_weeks_is_nearer_than_that_of_four() -> None:
    random = np.random.default_rng(0)
    usual = 10 + 3 * np.sin(np.arange(168 * 30) * 2 * np.pi / 24)
    y = (usual + random.normal(0, 1, len(usual)))[None]
    many = base_of(HourlyHistory(np.datetime64("2024-01-01T00", "h"), (FLOW,), y), np.ones(1))
    four = mean_of_weeks(y)
    last = slice(168 * 20, 168 * 30)
    errors = [np.abs(level[0, last] - usual[last]).mean() for level in (many.level, four.level)]
    assert errors[0] < 0.7 * errors[1]


def test_a_holiday_is_expected_to_be_a_sunday_and_teaches_nothing_about_its_weekday() -> None:
    """Workdays 10, weekends 4; a Thursday in the past and the next one are holidays."""
    first = np.datetime64("2024-01-01T00", "h")  # a Monday
    day = np.arange(70)
    y = np.where(day % 7 >= 5, 4.0, 10.0)
    closed = [7 * 8 + 3, 7 * 10 + 3]
    y[closed[0]] = 4.0
    number = int(first.astype("datetime64[D]").astype(int))
    history = HourlyHistory(first, (Series("001", "flow"),), np.repeat(y, 24)[None])
    known = replace(history, holidays=frozenset(number + d for d in closed))
    expected, usual = (base_of(h, np.array([1.0])).level[0].reshape(-1, 24).mean(1) for h in (known, history))
    assert usual[closed[1]] == pytest.approx(9.4, abs=0.5), "without the list: a Thursday, bent by the last one"
    assert expected[closed[1]] == pytest.approx(4.0, abs=0.5)
    assert expected[closed[0]] == pytest.approx(4.0, abs=0.5)
    assert expected[closed[0] + 7] == pytest.approx(10.0, abs=0.5)


def test_the_list_of_holidays_is_that_of_the_outlier_methods(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert holidays.of_site(tmp_path) == frozenset()
    (tmp_path / "criteria").mkdir()
    path = tmp_path / "criteria" / "holidays.txt"
    path.write_text("1970-01-02\n2024-09-17\n")
    assert holidays.of_site(tmp_path) == {1, 19983}
    country = path.with_name("holidays.country.txt")
    country.write_text("1970-01-04 of the country\n")
    assert holidays.of_site(tmp_path) == {1, 3, 19983}
    country.unlink()
    path.write_text("soon\n")
    assert holidays.of_site(tmp_path) == frozenset()
    assert "holidays_unusable" in caplog.text
