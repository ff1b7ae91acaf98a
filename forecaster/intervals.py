"""The online corrections of a site, as they are remembered from hour to hour."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from common.forecast_file import ForecastLine
from common.logging_setup import quoted
from forecaster.compose import hours_ahead
from forecaster.conformal import LEAD_BLOCKS, block_of
from forecaster.dataset import HourlyHistory, Series
from forecaster.fallback import WEEK
from forecaster.online import OnlineCorrections, Told, week_ago
from forecaster.predict import Model

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered; see `Intervals`."""

    version: str
    through: str
    stretch: dict[str, list[float]]
    share: dict[str, list[float]] = field(default_factory=dict)


class Intervals:
    """Stretches and shares of each series. A new model begins with stretches of its own for the series it learnt."""

    def __init__(self, text: str = "") -> None:
        """`text`: as `text` gave it. Without any, the model's own stretches are a good start."""
        self._kept = Kept("", "", {})
        if text:
            try:
                self._kept = msgspec.json.decode(text, type=Kept)
            except msgspec.MsgspecError as error:
                _log.warning("intervals_unusable problem=%s", quoted(error))

    @property
    def text(self) -> str:
        """All of it, to be remembered."""
        return msgspec.json.encode(self._kept).decode()

    def followed(self, model: Model, series: tuple[Series, ...]) -> OnlineCorrections:
        """What to correct the model's forecasts of these series by now."""
        now = OnlineCorrections.start(model, series)
        anew = (self._kept.version != model.version) & (model.places(series) >= 0)
        for numbers, kept, other in ((now.stretch, self._kept.stretch, anew), (now.share, self._kept.share, False)):
            for i in np.flatnonzero(~np.broadcast_to(other, len(series))):
                if len(own := kept.get(_key(series[i]), [])) == len(LEAD_BLOCKS):  # another release may have had more
                    numbers[i] = own
        return now

    def learn(
        self, model: Model, history: HourlyHistory, hour: datetime, lines: Iterable[ForecastLine], zone: ZoneInfo
    ) -> bool:
        """Count the truths of the hour `hour` (aware) against the model's forecasts of it, each hour once; whether
        there is something to be remembered."""
        if self._kept.version == model.version and hour.isoformat() <= self._kept.through:
            return False
        row = history.row(hour.astimezone(zone))
        now = self.followed(model, history.series)
        if 0 <= row < history.rows:
            now = now.after(_told(model, history, row, lines, zone))
        stretch, share = (
            {_key(s): np.round(own, 5).tolist() for s, own in zip(history.series, numbers, strict=True)}
            for numbers in (now.stretch, now.share)
        )
        if self._kept.version == model.version:
            stretch = self._kept.stretch | stretch
        self._kept = Kept(model.version, hour.isoformat(), stretch, self._kept.share | share)
        return True


def _told(model: Model, history: HourlyHistory, row: int, lines: Iterable[ForecastLine], zone: ZoneInfo) -> Told:
    """What the model forecast of an hour, of each channel and lead, and what came."""
    at = {(s.sensor, s.channel): i for i, s in enumerate(history.series)}
    blocks: dict[datetime, int | None] = {}
    places: list[tuple[int, int]] = []
    numbers: list[tuple[float, float, float]] = []
    for line in lines:
        if model.label not in line.model:
            continue
        if line.made_at not in blocks:
            leads = (h.lead for h in hours_ahead(line.made_at, WEEK + 1, zone) if h.start == line.hour)
            blocks[line.made_at] = next((int(block_of(np.array(lead))) for lead in leads), None)
        block = blocks[line.made_at]
        for channel, said, low, high in line.channels():
            place = at.get((line.sensor, channel))
            if not (place is None or block is None or said is None or low is None or high is None):
                places.append((place, block))
                numbers.append((said, low, high))
    series, block_ = np.array(places, dtype=np.int64).reshape(-1, 2).T
    value, low_, high_ = np.array(numbers, dtype=np.float64).reshape(-1, 3).T
    before = week_ago(history.y, np.array([row - 1]), np.array([1]))[:, 0, 0]
    return Told(series, block_, value, low_, high_, history.y[series, row], before[series])


def _key(series: Series) -> str:
    return f"{series.sensor}/{series.channel}"
