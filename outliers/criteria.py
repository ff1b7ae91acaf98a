"""Criteria: what is usual at one sensor. Built from history, or from the initial text file; versioned on disk.

Folder `criteria/` of the data folder:
    initial.toml            limits for sensors without history, written by people
    planned.txt, holidays.txt   see `outliers.calendar`
    <sensor>.v0001.json     built criteria; a new version is a new file, the highest number counts, old ones stay

The file of a version is never changed, so it can be cached.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from common import files
from common.errors import CriteriaUnusable
from common.night import HOURS_0_1, ReportHours
from common.row import SENSOR_ID
from common.settings import DEFAULT_ALARMS_PER_MONTH
from common.toml_text import read_toml
from outliers import findable
from outliers.findable import Detectability
from outliers.flicker import TextureUse
from outliers.hour_model import HourModel
from outliers.logger_use import WINDOWS_H, LoggerUse
from outliers.meter_scale import ScaleUse

FORMAT = 3
QUARTERS = 96  # of an hour in a day
HOURS = 24
SLOTS = 168  # hours of a week: 24 for each day, Monday first, holidays as Sunday
INITIAL = "initial.toml"


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """SYSTEM's limits of one channel, in the channel's unit (m3/h or bar).

    Attributes:
        low, high: physical limits; a value outside them is a fault of the instrument.
        stuck_rows: this many equal values in a row are a fault.
        jump: a value further than this from the median of the last five is held as a spike; 0 = the rule is
            off (nothing learnt yet).
        typical: the value at which `jump` applies; elsewhere the limit scales with the square root of the median, like
            the fluctuation of many small uses. 0 = `jump` is the same everywhere.
    """

    low: float
    high: float
    stuck_rows: int = 60
    jump: float = 0.0
    typical: float = 0.0


@dataclass(frozen=True, slots=True)
class FlowUse:
    """The usual flow and its variation.

    Attributes:
        mean_m3h: mean of the archive; leak sizes are stored as multiples of it.
        profile_m3h: 7 days of the week (Monday first, holidays as Sunday) x 96 quarters of an hour; value at the middle
            of the quarter.
        hours: movement of the hourly ratio flow / profile - 1.
        level: the ratio's slow level at the end of the archive.
        watch_score, early_score, short_score, long_score: limits of the tracker's score for WATCH, and for LEAK with a
            start less than half a day, less than two days, and longer ago.
        step_spread_m3h, lasting_spread_m3h: spread of a step, and of a step after an hour, for each hour of the week at
            the archive's mean level.
        step_watch: limits of a step in those spreads, one for each window from the shortest to the longest.
        step_leak: limit of a step that has lasted.
        texture: how the flicker depends on the use; None if it does not, or was not learnt yet.
    """

    mean_m3h: float
    profile_m3h: tuple[tuple[float, ...], ...]
    hours: HourModel
    level: float
    watch_score: float
    early_score: float
    short_score: float
    long_score: float
    step_spread_m3h: tuple[float, ...]
    lasting_spread_m3h: tuple[float, ...]
    step_watch: tuple[float, ...]
    step_leak: float
    texture: TextureUse | None = None


@dataclass(frozen=True, slots=True)
class NightUse:
    """NIGHT's reference and limits. Scores are (night minimum - reference) / spread.

    Attributes:
        recent_m3h: minimum hours of the newest nights of the archive, oldest first (a start for the detector).
        spread_m3h: robust spread of a night against its reference.
        jump: score of a single night that occurs about once in two years.
        creep: limit of the sum of scores (CUSUM).
        start: the report's hours for which it was learnt, as in `common.night.ReportHours`.
        minutes: and their length.
        weekday_m3h: what a night before each day of the week (Monday first) is usually higher by than the nights around
            it. Empty in an older file.
        change_m3h: standard deviation of a night, by the changes from one to the next. 0 in an older file.
    """

    recent_m3h: tuple[float, ...]
    spread_m3h: float
    jump: float
    creep: float
    start: int = HOURS_0_1.start
    minutes: int = HOURS_0_1.minutes
    weekday_m3h: tuple[float, ...] = ()
    change_m3h: float = 0.0

    @property
    def hours(self) -> ReportHours:
        return ReportHours(self.start, self.minutes)


@dataclass(frozen=True, slots=True)
class PressureUse:
    """The usual pressure: pressure at zero flow by quarter of the day, minus the head loss of the flow.

    Attributes:
        still_bar: 96 numbers, pressure at zero flow.
        slope_bar: change in pressure at (flow / mean) ** 1.85 = 1; negative.
        spread_bar: robust spread of the hourly residual.
        memory: share of an hour's residual that remains an hour later.
        step_bar: limit of a step (10 minutes against half a day).
        drift_bar: limit of the day's mean residual against the archive.
        level_bar: residual level at the end of the archive.
    """

    still_bar: tuple[float, ...]
    slope_bar: float
    spread_bar: float
    memory: float
    step_bar: float
    drift_bar: float
    level_bar: float


@dataclass(frozen=True, slots=True)
class Criteria:
    """All criteria of one sensor. `use`, `night`, `pressure_use`, `scale` are None without history of a flow."""

    sensor: str
    version: int
    first: str  # span of the archive, ISO dates, inclusive; empty for initial criteria
    last: str
    clean_weeks: float
    flow: ChannelLimits
    pressure: ChannelLimits
    is_zone: bool = False  # a sum of meters: it has no pressure, and what it lacks is told of its meters
    use: FlowUse | None = None
    night: NightUse | None = None
    pressure_use: PressureUse | None = None
    scale: ScaleUse | None = None  # also None in older files
    logger: LoggerUse | None = None  # of a logger inside a zone
    alarms_per_month: float = DEFAULT_ALARMS_PER_MONTH  # the setting that the limits were learnt for
    found: Detectability | None = None  # in weeks like those learnt; also None in older files


def to_text(criteria: Criteria) -> str:
    """As JSON, numbers to six significant digits, long tables with one row per line."""
    body = {"format": FORMAT, **_rounded(asdict(criteria))}
    if not criteria.is_zone:  # an earlier version, gone back to, does not know these two
        del body["is_zone"]
    if criteria.logger is None:
        del body["logger"]
    return json.dumps(body, indent=1).replace(",\n    ", ", ").replace(",\n   ", ", ") + "\n"


def from_text(text: str) -> Criteria:
    """Parse the output of `to_text`.

    Raises:
        CriteriaUnusable: not JSON, another format, or a field is missing or of the wrong kind.
    """
    try:
        body = json.loads(text)
        if body.pop("format") != FORMAT:
            raise CriteriaUnusable(f"criteria in a format other than {FORMAT}")
        use, night, pressure = body.pop("use"), body.pop("night"), body.pop("pressure_use")
        scale, found, logger = (body.pop(name, None) for name in ("scale", "found", "logger"))
        flow, pressure_limits = (ChannelLimits(**_tuples(body.pop(name))) for name in ("flow", "pressure"))
        if use is not None:
            use["hours"] = HourModel(**_tuples(use["hours"]))
            use["texture"] = TextureUse(**use["texture"]) if use.get("texture") else None
        criteria = Criteria(
            **body,
            flow=flow,
            pressure=pressure_limits,
            use=FlowUse(**_tuples(use)) if use else None,
            night=NightUse(**_tuples(night)) if night else None,
            pressure_use=PressureUse(**_tuples(pressure)) if pressure else None,
            scale=ScaleUse(**scale) if scale else None,
            logger=LoggerUse(**_tuples(logger)) if logger else None,
            found=findable.parsed(found) if found else None,
        )
        msgspec.convert(asdict(criteria), Criteria)  # what is no number would fail only in the hour that needs it
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CriteriaUnusable(f"not criteria: {error!r:.200}") from error
    _check(criteria)
    return criteria


def _check(criteria: Criteria) -> None:
    use, night, pressure, logger = criteria.use, criteria.night, criteria.pressure_use, criteria.logger
    whole = use is None or (
        [len(day) for day in use.profile_m3h] == [QUARTERS] * 7
        and len(use.hours.spread) == len(use.step_spread_m3h) == len(use.lasting_spread_m3h) == SLOTS
        and use.mean_m3h > 0
        and all(value > 0 for day in use.profile_m3h for value in day)
    )
    whole = whole and (pressure is None or len(pressure.still_bar) == QUARTERS)
    whole = whole and (night is None or len(night.weekday_m3h) == 7 or (not night.weekday_m3h and not night.change_m3h))
    whole = whole and (
        logger is None
        or (
            len(logger.still_bar) == HOURS
            and len(logger.low_bar) == len(WINDOWS_H)
            and 0 < len(logger.inlets) == len(logger.shares)
            and logger.mean_m3h > 0
        )
    )
    if not whole:
        raise CriteriaUnusable(f"criteria of {criteria.sensor} version {criteria.version}: a table is incomplete")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def _tuples(body: Mapping[str, Any]) -> dict[str, Any]:
    def frozen(item: Any) -> Any:
        return tuple(frozen(inner) for inner in item) if isinstance(item, list) else item

    return {key: frozen(item) for key, item in body.items()}


def versions(folder: Path, sensor: str) -> list[tuple[int, Path]]:
    """The stored versions of a sensor, oldest first."""
    pattern = re.compile(re.escape(sensor) + r"\.v(\d{4,})\.json")
    names = [(pattern.fullmatch(path.name), path) for path in folder.glob("*.json")]
    return sorted((int(match[1]), path) for match, path in names if match)


def load(folder: Path, sensor: str) -> Criteria | None:
    """The newest readable version of a sensor; None if there is none.

    If the newest version is damaged, the one before is used: old criteria are better than none.
    """
    for _, path in reversed(versions(folder, sensor)):
        try:
            return from_text(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, CriteriaUnusable):
            continue
    return None


def store(folder: Path, criteria: Criteria) -> Criteria:
    """Write the next version durably; returns the criteria with the new number.

    Raises:
        CriteriaUnusable: nobody could read them; nothing is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = versions(folder, criteria.sensor)
    numbered = replace(criteria, version=stored[-1][0] + 1 if stored else 1)
    text = to_text(numbered)
    from_text(text)
    files.replace(folder / f"{criteria.sensor}.v{numbered.version:04d}.json", text.encode())
    return numbered


MOST_LIMIT = 1e9  # nothing that is measured is larger; nor is anything that is no number smaller
DEFAULT_FLOW = ChannelLimits(low=0.0, high=10_000.0)  # a larger inlet needs limits in the file
ZONE_FLOW = ChannelLimits(low=-10_000.0, high=10_000.0)  # meters err, so a sum of little may be below zero
DEFAULT_PRESSURE = ChannelLimits(low=0.0, high=25.0)  # bar; the pressure class of ordinary mains is 16


def initial(sensor: str, folder: Path | None = None, *, is_zone: bool = False) -> Criteria:
    """Criteria without history: the file's limits for this sensor, its [default], or wide physical limits.

    Raises:
        CriteriaUnusable: the file has an unknown key or a value that is not a number.
    """
    table = _initial_table(folder / INITIAL, sensor) if folder is not None else {}
    flow = _taken(table, "flow", ZONE_FLOW if is_zone else DEFAULT_FLOW)
    pressure = _taken(table, "pressure", DEFAULT_PRESSURE)
    if table:
        raise CriteriaUnusable(f"{INITIAL}: unknown key {min(table)!r:.100}")
    for channel, limits in (("flow", flow), ("pressure", pressure)):
        if limits.low >= limits.high:
            raise CriteriaUnusable(
                f"{INITIAL}: {channel}_min {limits.low:g} is not below {channel}_max {limits.high:g}"
            )
    base = Criteria(sensor=sensor, version=0, first="", last="", clean_weeks=0.0, flow=flow, pressure=pressure)
    return replace(base, is_zone=is_zone)


def _taken(table: dict[str, float], name: str, default: ChannelLimits) -> ChannelLimits:
    return ChannelLimits(
        low=float(table.pop(f"{name}_min", default.low)),
        high=float(table.pop(f"{name}_max", default.high)),
        stuck_rows=int(table.pop(f"{name}_stuck_minutes", default.stuck_rows)),
    )


def _initial_table(path: Path, sensor: str) -> dict[str, float]:
    if not path.exists():
        return {}
    try:
        body = read_toml(path)
        merged = {**body.pop("default", {}), **body.pop("sensor", {}).get(sensor, {})}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CriteriaUnusable(f"{INITIAL}: {error!r:.200}") from error
    if body:
        raise CriteriaUnusable(f"{INITIAL}: unknown table {min(body)!r:.100}")
    wrong = [key for key, value in merged.items() if not (isinstance(value, int | float) and abs(value) <= MOST_LIMIT)]
    if wrong:
        raise CriteriaUnusable(f"{INITIAL}: {wrong[0]!r:.100} is not a number")
    return merged


def sensors(folder: Path) -> list[str]:
    """Sensors with built criteria."""
    names = {path.name.rsplit(".v", 1)[0] for path in folder.glob("*.v*.json")}
    return sorted(name for name in names if SENSOR_ID.fullmatch(name))
