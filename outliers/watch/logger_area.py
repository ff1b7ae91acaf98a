"""The loggers of one zone together: what one of them shows is compared with the others.

* A fall is raised at the logger where it stands out most, and not again at others for the same day.
* A day that is away is a drift of the instrument only while most of the others are as usual.
* A LEAK of the zone is compared with what all of them show.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from outliers.findings import Note
from outliers.watch.evidence import Evidence
from outliers.watch.logger_watch import AGREES, Fall, LoggerWatch
from outliers.watch.pressure_witness import AGREES as AGREES_WITH_LEAK
from outliers.watch.pressure_witness import CONFIRMABLE, PressureAnswer

SAME_MIN = 2 * 1440  # falls of two loggers within so long are one event: so long the day before it is the base
CLEAR = 3.5  # times the noise: a fall beyond what the flow explains, at one of several loggers

Watches = Mapping[str, LoggerWatch]  # the loggers of an area that have criteria, by sensor


def on_hour(
    area: str, watches: Watches, minute: int, *, leaks: bool, supply: bool = False
) -> Iterator[tuple[str, Evidence]]:
    """The end of the UTC hour before `minute`: each logger and its evidence.

    Args:
        leaks: a LEAK of the area is active.
        supply: the pressure of an inlet has stepped (SUP-STEP). What each inlet gives to a logger was learnt without
            that, so nothing is raised.
    """
    hour = minute // 60 - 1
    for logger, watch in watches.items():
        for evidence in watch.ended(minute, hour):
            yield logger, evidence
    if supply:
        return
    falls = {logger: fall for logger, watch in watches.items() if (fall := watch.fall(hour)) is not None}
    for logger in sorted(falls, key=lambda one: -falls[one].share):
        watch, fall = watches[logger], falls[logger]
        is_new = watch.state.low is None and not _one_event(watches, hour)
        if fall.share > 1.0 and is_new and watch.lasts(hour, fall):
            notes = [*_others(logger, falls), Note.ZONE_LEAK if leaks else Note.ZONE_NO_LEAK]
            yield logger, watch.lowered(minute, hour, fall, notes, area)
    for logger, watch in watches.items():
        away = watch.drifts(hour)
        if away is not None and not watch.state.drifting and _most_agree(logger, watches, hour):
            yield logger, watch.drifted(minute, away, area)


def _one_event(watches: Watches, hour: int) -> bool:
    """Whether another logger has fallen of late: then this is the same event."""
    lows = (watch.state.low for watch in watches.values())
    return any(low is not None and (hour + 1) * 60 - low.since <= SAME_MIN for low in lows)


def _others(logger: str, falls: Mapping[str, Fall]) -> list[Note]:
    others = [fall for other, fall in falls.items() if other != logger]
    if not others:
        return []
    return [Note.LOGGER_OTHERS if any(fall.share > AGREES for fall in others) else Note.LOGGER_ALONE]


def _most_agree(logger: str, watches: Watches, hour: int) -> bool:
    says = [watch.agrees(hour) for other, watch in watches.items() if other != logger]
    return sum(1 for one in says if one) > sum(1 for one in says if one is False)


@dataclass(frozen=True, slots=True)
class LoggersSay:
    """What the loggers show of a LEAK, for a finding or a sign."""

    notes: list[Note]
    numbers: dict[str, float] = field(default_factory=dict)
    point: str = ""  # the logger that fell most


def on_leak(watches: Watches, since: int, flow_m3h: float) -> LoggersSay | None:
    """What the loggers show of a flow of `flow_m3h` since UTC minute `since`; None = nothing is known.

    A spread use of that size would lower each of them by `due`. A leak lowers those near it by more, those before it by
    less, and a wrong flow meter none. The error is that of the best of them: their errors are not independent, since
    they share inlet and flow.
    """
    answers = {name: answer for name, watch in watches.items() if (answer := watch.on_leak(since, flow_m3h))}
    if not answers:
        return None
    fallen = {name: -answer.rise for name, answer in answers.items() if -answer.rise > CLEAR * answer.noise}
    share, confirmable = _share(answers)
    numbers = {"loggers_share": max(share, 0.0)} if confirmable else {}
    if not confirmable and not fallen:
        return LoggersSay([Note.LOGGERS_UNKNOWN])
    agrees = bool(fallen) or share > AGREES_WITH_LEAK
    notes = [Note.LOGGERS_AGREE if agrees else Note.LOGGERS_DISAGREE]
    if not fallen:
        return LoggersSay(notes, numbers)
    most = max(fallen, key=fallen.__getitem__)
    return LoggersSay([*notes, Note.LOGGER_MOST], {**numbers, "beyond_bar": fallen[most]}, most)


def _share(answers: Mapping[str, PressureAnswer]) -> tuple[float, bool]:
    """The share of the fall due that they show together, and whether that is more than their noise."""
    weights = {name: answer.due / max(answer.noise, 1e-9) ** 2 for name, answer in answers.items()}
    whole = sum(weight * answers[name].due for name, weight in weights.items())
    if whole <= 0:
        return 0.0, False
    share = sum(weight * answers[name].fell for name, weight in weights.items()) / whole
    return share, any(abs(answer.due) >= CONFIRMABLE * answer.noise for answer in answers.values())
