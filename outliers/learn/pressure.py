"""The usual pressure of a sensor: by time of day, and the head loss of the flow."""

import numpy as np

from outliers.criteria import QUARTERS, FlowUse, PressureUse
from outliers.learn.day_kinds import Calendar
from outliers.learn.return_level import Floats, daily_maxima, normal_level, return_level, spread
from outliers.learn.rolling import lagged, running_mean
from outliers.learn.whole_day import whole_day
from outliers.rules import HEADLOSS, SUPPLY_DAY_ROWS, SUPPLY_FAST_ROWS, SUPPLY_HALF_DAY_ROWS

SUPPLY_DAYS, DRIFT_DAYS = 480.0, 960.0  # one false SUPPLY or drift in this many days
LEAST_STEP, LEAST_DRIFT = 0.03, 0.015  # of the mean pressure: smaller changes do not matter


def pressure_use(flow: Floats, pressure: Floats, use: FlowUse, calendar: Calendar) -> PressureUse | None:
    """Learn the usual pressure; None with fewer than half of the rows."""
    good = np.isfinite(flow) & np.isfinite(pressure)
    if good.sum() < len(flow) // 4:
        return None
    cost = (np.clip(np.where(good, flow, np.nan), 0, None) / use.mean_m3h) ** HEADLOSS
    quarter = calendar.quarter
    cost_by, pressure_by = (whole_day(values[good], quarter[good], QUARTERS) for values in (cost, pressure))
    x, y = (cost - cost_by[quarter])[good], (pressure - pressure_by[quarter])[good]
    core = np.abs(y) < 4 * spread(y)
    slope = min(0.0, float((x[core] * y[core]).sum() / max((x[core] ** 2).sum(), 1e-9)))
    still = pressure_by - slope * cost_by
    residual = np.where(good, pressure - still[quarter] - slope * cost, np.nan)
    fast, half_day = running_mean(residual, SUPPLY_FAST_ROWS), running_mean(residual, SUPPLY_HALF_DAY_ROWS)
    away = np.abs(fast - lagged(half_day, 8))
    day = running_mean(residual, SUPPLY_DAY_ROWS)
    hours = running_mean(residual, 60)[59::60]
    middle, mean = float(np.nanmedian(day)), float(pressure[good].mean())
    return PressureUse(
        still_bar=tuple(map(float, still)),
        slope_bar=slope,
        spread_bar=spread(hours),
        memory=memory(hours),
        step_bar=max(return_level(daily_maxima(away, 1440), SUPPLY_DAYS), LEAST_STEP * mean),
        drift_bar=max(normal_level(daily_maxima(np.abs(day - middle), 1440), DRIFT_DAYS), LEAST_DRIFT * mean),
        level_bar=middle,
    )


def memory(values: Floats) -> float:
    """Correlation of each value with the previous one, limited to 0 to 0.98."""
    cut = np.clip(values - np.nanmedian(values), -4 * spread(values), 4 * spread(values))
    known = np.isfinite(cut[1:]) & np.isfinite(cut[:-1])
    now, before = cut[1:][known], cut[:-1][known]
    return float(np.clip((now * before).sum() / max((before**2).sum(), 1e-12), 0.0, 0.98))
