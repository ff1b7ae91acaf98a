"""Model files: `models/<version>.npz` (plain arrays, no pickle) beside `<version>.sha256`. Newest good one wins."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from common.errors import ModelUnusable
from common.files import replace
from common.folder import MODELS_FOLDER
from forecaster.dataset import Channel, Series
from forecaster.fallback import Units
from forecaster.features import HOUR, HOUR_INPUTS, LEAD, LEAD_INPUTS, SHARED, SHARED_INPUTS, Array
from forecaster.forward import EMBEDDING, HIDDEN, NARROW, PATCH_H, WIDE
from forecaster.predict import Model, Part
from forecaster.weather import INPUTS as OF_WEATHER

KEEP = 3  # versions: the one in use, the one before, and one more for comparison
# A file of another shape or with other inputs was made by another release: trained anew.
SHAPE = [PATCH_H * HOUR, SHARED, LEAD, HIDDEN, WIDE, NARROW, EMBEDDING]
INPUTS = [[i.name for i in table] for table in (HOUR_INPUTS, SHARED_INPUTS, LEAD_INPUTS)]

_log = logging.getLogger(__name__)


def save(data: Path, model: Model) -> Path:
    """Write a new version durably and delete all but the newest KEEP."""
    meta = {
        "version": model.version,
        "shape": SHAPE,
        "inputs": INPUTS,
        "weather": OF_WEATHER,
        "series": [[s.sensor, s.channel, s.site] for s in model.series],
        "parts": [[1, p.last, len(p.networks)] for p in model.parts],
        "report": model.report,
    }
    arrays: dict[str, Any] = {
        "scale": model.units.scale,
        "centre": model.units.centre,
        "swing": model.units.swing,
        "stretch": model.stretch,
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    for i, part in enumerate(model.parts):
        for j, network in enumerate(part.networks):
            arrays |= {f"{i}/{j}/{name}": weight for name, weight in network.items()}
        if part.lines is not None:
            arrays[f"{i}/lines"] = part.lines
        if part.weather is not None:
            arrays[f"{i}/weather"] = part.weather
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path = store(data, model.version, buffer.getvalue())
    others = [version for version in versions(data) if version != model.version]
    for old in others[KEEP - 1 :]:
        drop(data, old)
    return path


def store(data: Path, version: str, raw: bytes) -> Path:
    """Write a version durably. The checksum is written last: it says done."""
    path = data / MODELS_FOLDER / f"{version}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, raw)
    digest = hashlib.sha256(raw).hexdigest()
    replace(path.with_suffix(".sha256"), f"{digest}  {path.name}\n".encode())
    return path


def read(data: Path, version: str) -> bytes:
    """The bytes of a version."""
    return (data / MODELS_FOLDER / f"{version}.npz").read_bytes()


def drop(data: Path, version: str) -> None:
    """Delete a version."""
    for suffix in ("sha256", "npz"):
        (data / MODELS_FOLDER / f"{version}.{suffix}").unlink(missing_ok=True)


def versions(data: Path) -> list[str]:
    """Versions that were written to the end, newest first."""
    return sorted((p.stem for p in (data / MODELS_FOLDER).glob("*.sha256")), reverse=True)


def load(data: Path, version: str) -> Model:
    """Read one version.

    Raises:
        ModelUnusable: missing, damaged, or made by another release."""
    path = data / MODELS_FOLDER / f"{version}.npz"
    try:
        raw = path.read_bytes()
        said = path.with_suffix(".sha256").read_text("ascii").split()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise ModelUnusable(f"model {version} cannot be read: {error}") from error
    if hashlib.sha256(raw).hexdigest() != said:
        raise ModelUnusable(f"model {version} is damaged: its checksum is another")
    try:
        return _parse(raw)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ModelUnusable(f"model {version} is not of this release: {error}") from error


def _parse(raw: bytes) -> Model:
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        meta = json.loads(arrays["meta"].tobytes())
        if meta["shape"] != SHAPE:
            raise ValueError(f"its shape is {meta['shape']}, not {SHAPE}")
        if meta.get("inputs", INPUTS) != INPUTS:  # weights of before they had names had these
            raise ValueError("its inputs are others")
        # Weights of before there were several sites have no site: `Model.at_home` names it.
        series = tuple(Series(sensor, cast(Channel, channel), *site) for sensor, channel, *site in meta["series"])
        networks: dict[tuple[int, int], dict[str, Array]] = {}
        for name in arrays.files:
            if name.count("/") == 2:
                i, j, weight = name.split("/")
                networks.setdefault((int(i), int(j)), {})[weight] = arrays[name]
        weather = "weather" if meta.get("weather") == list(OF_WEATHER) else "none"  # of another release: without
        parts = [
            Part(
                last,
                tuple(networks[i, j] for j in range(count)),
                arrays.get(f"{i}/lines"),
                arrays.get(f"{i}/{weather}"),
            )
            for i, (_, last, count) in enumerate(meta["parts"])
        ]
        units = Units(arrays["scale"], arrays["centre"], arrays["swing"])
        return Model(meta["version"], series, units, tuple(parts), arrays["stretch"], meta["report"])


def newest(data: Path) -> Model | None:
    """The newest version that can be used; None without one. Damaged ones are passed over with a warning."""
    for version in versions(data):
        try:
            return load(data, version)
        except ModelUnusable as error:
            _log.warning("model_unusable problem=%r", str(error))
    return None


def any_usable(data: Path) -> bool:
    """Whether `newest` would find any; without its warnings, for this is asked every hour."""
    for version in versions(data):
        with contextlib.suppress(ModelUnusable):
            load(data, version)
            return True
    return False
