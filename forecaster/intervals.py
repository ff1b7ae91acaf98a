"""What follows the truth as it comes in, remembered across restarts: the interval's stretches, the guesses' shares."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from common import state_file
from common.files import replace
from common.folder import MODELS_FOLDER
from common.forecast_file import Line
from forecaster import mix_naive
from forecaster.compose import hours_ahead
from forecaster.conformal import LEAD_BLOCKS, STEPS, block_of, track
from forecaster.dataset import FloatArray, History, IntArray, Series
from forecaster.fallback import WEEK
from forecaster.predict import Followed, Model, stretches_for

NAME = "intervals.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds; see `Intervals`."""

    version: str
    through: str
    stretch: dict[str, list[float]]
    share: dict[str, list[float]] = field(default_factory=dict)


class Intervals:
    """Stretches of each series for one model version, which start anew with a new one, and shares, which go on."""

    def __init__(self, data: Path) -> None:
        self._path = data / MODELS_FOLDER / NAME
        self._version = ""
        self._through = ""  # the last hour whose truths have been counted
        self._stretch: dict[str, list[float]] = {}
        self._share: dict[str, list[float]] = {}
        kept = state_file.load(self._path, Kept)
        if kept is not None:  # else the model's own stretches are a good start
            self._version, self._through = kept.version, kept.through
            self._stretch = _of_length(kept.stretch, len(LEAD_BLOCKS))
            self._share = _of_length(kept.share, len(LEAD_BLOCKS) * len(mix_naive.GUESSES))

    def followed(self, model: Model, series: tuple[Series, ...]) -> Followed:
        """Stretches [S, blocks] and shares [S, blocks, guesses] to use now."""
        stretch, shares = stretches_for(model, series).copy(), mix_naive.none(len(series))
        for i, s in enumerate(series):
            if self._version == model.version and _key(s) in self._stretch:
                stretch[i] = self._stretch[_key(s)]
            if _key(s) in self._share:
                shares[i] = np.reshape(self._share[_key(s)], shares[i].shape)
        return Followed(stretch, shares)

    def learn(
        self,
        model: Model,
        history: History,
        hour: datetime,
        lines: Iterable[Line],
        zone: ZoneInfo,
        *,
        guesses: FloatArray,
    ) -> None:
        """Count the truths of the hour `hour` (aware) against the model's forecasts of it; each hour once.

        `guesses` [S, guesses] of that hour."""
        if self._version == model.version and hour.isoformat() <= self._through:
            return
        row = history.row(hour.astimezone(zone))
        told = _told(model, history, lines, zone) if 0 <= row < history.rows else []
        place, block = np.array([t[:2] for t in told], dtype=np.int64).reshape(-1, 2).T
        said, low, high = np.array([t[2:] for t in told], dtype=np.float64).reshape(-1, 3).T
        truth = history.y[place, row]
        missed = np.where(np.isfinite(truth), (truth < low) | (truth > high), np.nan)
        sides = mix_naive.side(truth, said, guesses[place]).T
        at, places = place * len(LEAD_BLOCKS) + block, len(history.series) * len(LEAD_BLOCKS)
        means = (_means(at, a, places) for a in (missed, *sides))
        self._apply(model, history.series, next(means), np.stack([*means], -1))
        self._version, self._through = model.version, hour.isoformat()
        self._save()

    def _apply(self, model: Model, series: tuple[Series, ...], missed: FloatArray, sides: FloatArray) -> None:
        """Take up the means over the forecasts of an hour, [S x blocks], of the sides [S x blocks, guesses]."""
        now = self.followed(model, series)
        stretch = track(now.stretch, missed.reshape(*now.stretch.shape, 1), STEPS)
        means = sides.reshape(*now.stretch.shape, 1, len(mix_naive.GUESSES))
        shares = mix_naive.follow(now.shares, means, mix_naive.STEP[:, None])
        if self._version != model.version:
            self._stretch = {}
        for i, s in enumerate(series):
            self._stretch[_key(s)] = [round(float(x), 5) for x in stretch[i]]
            self._share[_key(s)] = [round(float(x), 5) for x in shares[i].ravel()]

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        state = {"version": self._version, "through": self._through, "stretch": self._stretch, "share": self._share}
        replace(self._path, json.dumps(state).encode() + b"\n", durable=False)


Told = tuple[int, int, float, float, float]  # series, lead block, value, low, high


def _told(model: Model, history: History, lines: Iterable[Line], zone: ZoneInfo) -> list[Told]:
    """What the model forecast of an hour, of each channel and lead."""
    at = {s: i for i, s in enumerate(history.series)}
    blocks: dict[datetime, int | None] = {}
    told: list[Told] = []
    for line in lines:
        if model.label not in line.model:
            continue
        if line.made_at not in blocks:
            leads = (h.lead for h in hours_ahead(line.made_at, WEEK + 1, zone) if h.start == line.hour)
            blocks[line.made_at] = next((int(block_of(np.array(lead))) for lead in leads), None)
        block = blocks[line.made_at]
        for name, said, low, high in (
            ("flow", line.flow, line.flow_low, line.flow_high),
            ("pressure", line.pressure, line.pressure_low, line.pressure_high),
        ):
            place = at.get(Series(line.sensor, name))  # type: ignore[arg-type]
            if not (place is None or block is None or said is None or low is None or high is None):
                told.append((place, block, said, low, high))
    return told


def _means(at: IntArray, values: FloatArray, places: int) -> FloatArray:
    """Mean of the values at each place, NaN where there is none. [places]"""
    use = np.isfinite(values)
    count = np.bincount(at[use], minlength=places)
    mean = np.full(places, np.nan)
    np.divide(np.bincount(at[use], values[use], minlength=places), count, out=mean, where=count > 0)
    return mean


def _of_length(kept: dict[str, list[float]], count: int) -> dict[str, list[float]]:
    """Without the lines of another length, which another release made."""
    return {key: numbers for key, numbers in kept.items() if len(numbers) == count}


def _key(series: Series) -> str:
    return f"{series.sensor}/{series.channel}"
