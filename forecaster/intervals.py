"""The interval's stretches as truth comes in: which interval missed, remembered across restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from common.files import replace
from forecaster.artifact import FOLDER
from forecaster.compose import hours_ahead
from forecaster.conformal import LEAD_BLOCKS, STEPS, block_of, track
from forecaster.csv import Line
from forecaster.dataset import FloatArray, History, Series
from forecaster.predict import Model, stretches_for

NAME = "intervals.json"


class Intervals:
    """Stretches of each series for one model version; they start anew with a new version."""

    def __init__(self, data: Path) -> None:
        self._path = data / FOLDER / NAME
        self._version = ""
        self._through = ""  # the last hour whose truths have been counted
        self._stretch: dict[str, list[float]] = {}
        try:
            raw = json.loads(self._path.read_bytes())
            self._version, self._through = str(raw["version"]), str(raw["through"])
            self._stretch = {str(k): [float(x) for x in v] for k, v in raw["stretch"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._stretch = {}  # the model's own stretches are a good start

    def stretches(self, model: Model, series: tuple[Series, ...]) -> FloatArray:
        """Stretches [S, blocks] to use now."""
        out = stretches_for(model, series).copy()
        if self._version == model.version:
            for i, s in enumerate(series):
                kept = self._stretch.get(_key(s))
                if kept is not None and len(kept) == len(LEAD_BLOCKS):
                    out[i] = kept
        return out

    def learn(self, model: Model, history: History, hour: datetime, lines: Iterable[Line], zone: ZoneInfo) -> None:
        """Count the truths of the hour `hour` (aware) against the model's forecasts of it; each hour once."""
        if self._version == model.version and hour.isoformat() <= self._through:
            return
        at = {s: i for i, s in enumerate(history.series)}
        row = history.row(hour.astimezone(zone))
        missed: list[list[list[float]]] = [[[] for _ in LEAD_BLOCKS] for _ in history.series]
        for line in lines:
            if model.label not in line.model or not 0 <= row < history.rows:
                continue
            lead = next((h.lead for h in hours_ahead(line.made_at, 169, zone) if h.start == line.hour), None)
            for name, low, high in (
                ("flow", line.flow_low, line.flow_high),
                ("pressure", line.pressure_low, line.pressure_high),
            ):
                place = at.get(Series(line.sensor, name))  # type: ignore[arg-type]
                if place is None or low is None or high is None or lead is None:
                    continue
                truth = history.y[place, row]
                if np.isfinite(truth):
                    missed[place][int(block_of(np.array([lead]))[0])].append(float(not low <= truth <= high))
        self._apply(model, history.series, missed)
        self._version, self._through = model.version, hour.isoformat()
        self._save()

    def _apply(self, model: Model, series: tuple[Series, ...], missed: list[list[list[float]]]) -> None:
        now = self.stretches(model, series)
        share = np.array([[np.mean(m) if m else np.nan for m in line] for line in missed]).reshape(now.shape)
        after = track(now, share[..., None], STEPS)
        if self._version != model.version:
            self._stretch = {}
        self._stretch |= {_key(s): [round(float(x), 5) for x in after[i]] for i, s in enumerate(series)}

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        state = {"version": self._version, "through": self._through, "stretch": self._stretch}
        replace(self._path, json.dumps(state).encode() + b"\n", durable=False)


def _key(series: Series) -> str:
    return f"{series.sensor}/{series.channel}"
