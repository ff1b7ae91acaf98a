"""The pressure: changed by a pump, valve or gauge (SUPPLY), or an instrument is wrong (FAULT)."""

from dataclasses import dataclass, field

from outliers.criteria import Criteria, FlowUse, PressureUse
from outliers.rules import HEADLOSS
from outliers.watch.active import Leak, MeterBias
from outliers.watch.evidence import Change, Evidence, Numbers
from outliers.watch.flow_state import FlowState
from outliers.watch.meter_scale_watch import BACK_SIZE, LARGEST_SIZE, MeterScaleWatch, ScaleEstimate
from outliers.watch.pressure_witness import AGREES, PressureAnswer, PressureResidualHistory
from outliers.watch.supply import SupplyWatch

LEAST_BAR = 0.5  # lowest pressure of which a share is computed
SURE_SCORE = 3.0  # score of the meter's scale at which the meter, not a leak, is the cause
KEEP_SHARE = 0.75  # of the size: above this the newest hours confirm the same bias


@dataclass(frozen=True, slots=True)
class MeterEvidence:
    """The flow meter reads at a wrong scale (BEGAN), still does (LASTED), or reads correctly again (ENDED)."""

    change: Change
    minute: int
    scale: ScaleEstimate
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeakPressure:
    """The pressure's response to a leak, and the meter's scale since the leak began."""

    answer: PressureAnswer
    meter: MeterEvidence | None

    def blames(self, leak: Leak, share: float) -> MeterEvidence | None:
        """The evidence that the meter is wrong and nothing leaks, or None.

        Args:
            share: the meter is wrong if the pressure rose by more than this share of the rise that a wrong meter would
                cause, and the slope of pressure over flow since the leak began agrees.
        """
        if self.meter is None or not self.answer.meter or self.answer.rise <= share * self.answer.due:
            return None
        scale = self.meter.scale
        if scale.size < AGREES * leak.size or scale.score < SURE_SCORE or scale.size > LARGEST_SIZE:
            return None
        return self.meter


class PressureWatch:
    """Tracks one sensor's pressure, minute by minute."""

    def __init__(
        self,
        use: PressureUse,
        mean_m3h: float,
        *,
        supply: SupplyWatch,
        history: PressureResidualHistory,
        scale: MeterScaleWatch | None,
    ) -> None:
        self.use = use
        self.supply, self.history, self.scale = supply, history, scale
        self.zero_flow_bar = 0.0  # usual pressure at zero flow at this time of day
        self._mean = mean_m3h

    def on_row(self, minute: int, shown: float, flow: float, pressure: float) -> Evidence | None:
        """A minute in which both are good: `shown` is the meter's flow, `flow` the corrected flow, m3/h."""
        cost, above = (flow / self._mean) ** HEADLOSS, pressure - self.zero_flow_bar
        if self.scale is not None:
            self.scale.on_row(cost if shown == flow else (shown / self._mean) ** HEADLOSS, above)
        residual = above - self.use.slope_bar * cost
        self.history.on_row(residual)
        change = self.supply.on_row(minute, residual)
        return None if change is Change.NONE else self.supply.evidence(minute, change)

    def expected(self, flow: float) -> float:
        """Expected pressure at a flow, bar."""
        cost: float = max(flow / self._mean, 0.0) ** HEADLOSS
        return self.zero_flow_bar + self.use.slope_bar * cost + self.use.level_bar

    def on_quarter(self, day_minute: int) -> None:
        """A quarter of an hour begins at this minute of the local day."""
        self.zero_flow_bar = self.use.still_bar[day_minute // 15]

    def on_hour(self, hour: int, minute: int, *, meter_wrong: bool) -> Evidence | None:
        """End of the UTC `hour`: has the day's pressure left its band, or come back?"""
        self.history.on_hour(hour)
        if meter_wrong and not self.supply.state.drifting:
            return None  # the head loss is not known well enough
        return self.supply.on_hour(minute)

    def on_quarter_end(self, quarter: int, minute: int, known: MeterBias | None) -> MeterEvidence | None:
        """End of a quarter: has the flow meter's scale become wrong, or right again?"""
        if self.scale is None or not self.scale.on_quarter_end(quarter, minute):
            return None
        if known is None:
            scale = self.scale.wrong(self._gauge_share())
            return _wrong(minute, scale) if scale is not None else None
        scale = self.scale.newest(known.size)
        if scale is None:
            return None
        share = scale.size / known.size
        if share < BACK_SIZE:
            self.scale.forget()
            return MeterEvidence(Change.ENDED, minute, scale)
        return MeterEvidence(Change.LASTED, minute, scale) if share > KEEP_SHARE else None

    def _gauge_share(self) -> float:
        """The apparent scale error caused by the gauge: a drifting gauge also scales the response."""
        if not self.supply.state.drifting:
            return 0.0
        return abs(self.supply.wandered()) / max(self.zero_flow_bar, LEAST_BAR) / HEADLOSS

    def on_leak(self, leak: Leak) -> LeakPressure | None:
        """The pressure's evidence about a leak; None = no data."""
        answer = self.history.answer(leak.since, leak.size)
        if answer is None:
            return None
        scale = self.scale.since(leak.since) if self.scale is not None else None
        if scale is None:
            return LeakPressure(answer, None)
        return LeakPressure(answer, _wrong(leak.raised, scale, due_bar=answer.due, fell_bar=answer.fell))


def _wrong(minute: int, scale: ScaleEstimate, **more: float) -> MeterEvidence:
    numbers = {"scale_share": scale.size, "error_share": scale.error, **more}
    return MeterEvidence(Change.BEGAN, minute, scale, numbers)


def pressure_watch(criteria: Criteria, use: FlowUse, state: FlowState) -> PressureWatch | None:
    """The watch of one sensor's pressure; None if its use of pressure was not learnt."""
    pressure = criteria.pressure_use
    if pressure is None:
        return None
    return PressureWatch(
        pressure,
        use.mean_m3h,
        supply=SupplyWatch(pressure, state.supply),
        history=PressureResidualHistory(pressure, state.residuals),
        scale=MeterScaleWatch(criteria.scale, use.mean_m3h, state.scale) if criteria.scale else None,
    )
