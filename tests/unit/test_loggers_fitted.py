"""What is learnt of a logger inside a zone: how the inlet and the flow explain its pressure, and its limits."""

from dataclasses import replace

import numpy as np
import pytest
from logger_site import HEIGHT_BAR, LOSSES_BAR, learn, learn_all, zone_rows
from outlier_site import LEARN_DAYS

from common.errors import CriteriaUnusable
from outliers.criteria import Criteria, from_text, initial, to_text
from outliers.logger_use import LoggerUse


@pytest.fixture(scope="module")
def uses() -> dict[str, LoggerUse]:
    return learn_all()


def test_the_head_loss_to_each_logger_is_found(uses: dict[str, LoggerUse]) -> None:
    for logger, loss in LOSSES_BAR.items():
        use = uses[logger]
        assert use.slope_bar == pytest.approx(-loss, rel=0.03)
        assert use.still_bar == pytest.approx([HEIGHT_BAR] * 24, abs=0.02)
        assert (use.area, use.inlets, use.shares, use.hour_rows) == ("001", ("001",), (1.0,), 30)
        assert min(use.low_bar) >= 0.02 and use.spread_bar < 0.01


def test_a_logger_behind_a_reducing_valve_does_not_follow_the_inlet() -> None:
    rows = zone_rows(LEARN_DAYS)
    rows.inlet.pressure[:] += 0.3 * np.sin(np.arange(len(rows.inlet.flow)) / 5000)
    rows.loggers["101"][:] = 3.0 + np.random.default_rng(5).normal(0, 0.01, len(rows.inlet.flow))
    use = learn(rows, "101")
    assert use is not None and use.shares == pytest.approx((0.0,), abs=0.02)


def test_an_inlet_that_hardly_changes_is_followed_all_the_same() -> None:
    """Its noise alone must not teach that the loggers do not follow it: one day the supply changes."""
    rows = zone_rows(LEARN_DAYS)
    rows.inlet.pressure[:] = 4.6 + np.random.default_rng(6).normal(0, 0.03, len(rows.inlet.flow))
    rows.loggers["101"][:] = 5.1 - 0.15 * (rows.inlet.flow / 40.0) ** 1.85
    use = learn(rows, "101")
    assert use is not None and use.shares == (1.0,)


def test_a_logger_of_ten_minutes_is_learnt_too() -> None:
    rows = zone_rows(LEARN_DAYS)
    rows.loggers["102"][np.arange(len(rows.inlet.flow)) % 10 != 0] = np.nan
    use = learn(rows, "102")
    assert use is not None and use.hour_rows == 3 and use.slope_bar == pytest.approx(-0.4, rel=0.05)


def test_less_than_eight_weeks_teach_nothing() -> None:
    rows = zone_rows(LEARN_DAYS)
    rows.loggers["102"][: 15 * 1440] = np.nan
    assert learn(rows, "102") is None
    rows = zone_rows(LEARN_DAYS)
    rows.inlet.pressure[:] = np.nan
    assert learn(rows, "102") is None


def test_a_leak_in_the_archive_does_not_move_a_limit_far(uses: dict[str, LoggerUse]) -> None:
    rows = zone_rows(LEARN_DAYS)
    rows.lower(30 * 1440, {"102": 0.3}, 33 * 1440)
    use = learn(rows, "102")
    assert use is not None and use.low_bar == pytest.approx(uses["102"].low_bar, rel=0.2)


def test_the_file_of_criteria_keeps_it_and_other_sensors_do_not_have_it(uses: dict[str, LoggerUse]) -> None:
    plain = initial("102")
    assert '"logger"' not in to_text(plain)
    whole = replace(plain, logger=uses["102"])
    read = from_text(to_text(whole)).logger
    assert read is not None and read.inlets == ("001",) and read.low_bar == pytest.approx(uses["102"].low_bar, rel=1e-5)


@pytest.mark.parametrize(
    "change",
    [{"still_bar": (0.0,)}, {"low_bar": (0.1,)}, {"shares": ()}, {"inlets": (), "shares": ()}, {"mean_m3h": 0}],
)
def test_an_incomplete_one_is_refused(uses: dict[str, LoggerUse], change: dict[str, object]) -> None:
    broken: Criteria = replace(initial("102"), logger=replace(uses["102"], **change))  # type: ignore[arg-type]
    with pytest.raises(CriteriaUnusable):
        from_text(to_text(broken))


def test_hours_in_which_a_logger_sleeps_lie_between_their_neighbours(uses: dict[str, LoggerUse]) -> None:
    """Until somebody lets it measure by night, too."""
    rows = zone_rows(2 * LEARN_DAYS)
    rows.loggers["102"][np.arange(len(rows.inlet.flow)) // 60 % 24 >= 18] = np.nan
    use = learn(rows, "102")
    assert use is not None and use.still_bar == pytest.approx([HEIGHT_BAR] * 24, abs=0.02)
