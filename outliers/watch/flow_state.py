"""The stored state of `outliers.watch.flow_watch`."""

import msgspec

from outliers.watch.expectation_state import ExpectationState
from outliers.watch.flicker_watch import FlickerState
from outliers.watch.hourly import HourlyState
from outliers.watch.meter_scale_watch import ScaleState
from outliers.watch.night_minimum import NightState
from outliers.watch.night_shift import NightLevels
from outliers.watch.pressure_witness import ResidualState
from outliers.watch.step_change import StepState
from outliers.watch.supply import SupplyState


class FlowState(msgspec.Struct):
    """The state of the methods; None: start new."""

    expectation: ExpectationState | None = None
    hourly: HourlyState | None = None
    steps: StepState | None = None
    night: NightState | None = None
    night_levels: NightLevels | None = None
    flicker: FlickerState | None = None
    supply: SupplyState | None = None
    residuals: ResidualState | None = None
    scale: ScaleState | None = None
