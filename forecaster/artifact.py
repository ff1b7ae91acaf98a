"""Model files: `models/<version>.npz` (plain arrays, no pickle) beside `<version>.sha256`. Newest good one wins."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from common.errors import ModelUnusable
from common.files import replace
from forecaster.baseline import Units
from forecaster.dataset import Channel, Series
from forecaster.features import HOUR, LEAD, SHARED
from forecaster.model import Network
from forecaster.predict import Model, Part

FOLDER = "models"
KEEP = 3  # versions: the one in use, the one before, and one more for comparison
SHAPE = [5, HOUR, SHARED, LEAD]  # a file of another shape was made by another release: trained anew

_log = logging.getLogger(__name__)


def save(data: Path, model: Model) -> Path:
    """Write a new version durably and delete all but the newest KEEP. The checksum is written last: it says done."""
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    meta = {
        "version": model.version,
        "shape": SHAPE,
        "series": [[s.sensor, s.channel] for s in model.series],
        "parts": [[p.first, p.last, len(p.networks)] for p in model.parts],
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
            for name, weight in network.state_dict().items():
                arrays[f"{i}/{j}/{name}"] = weight.numpy()
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path = folder / f"{model.version}.npz"
    replace(path, buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    replace(path.with_suffix(".sha256"), f"{digest}  {path.name}\n".encode())
    for old in versions(data)[KEEP:]:
        (folder / f"{old}.sha256").unlink(missing_ok=True)
        (folder / f"{old}.npz").unlink(missing_ok=True)
    return path


def versions(data: Path) -> list[str]:
    """Versions that were written to the end, newest first."""
    return sorted((p.stem for p in (data / FOLDER).glob("*.sha256")), reverse=True)


def load(data: Path, version: str) -> Model:
    """Read one version.

    Raises:
        ModelUnusable: missing, damaged, or made by another release."""
    path = data / FOLDER / f"{version}.npz"
    try:
        raw = path.read_bytes()
        said = path.with_suffix(".sha256").read_text("ascii").split()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise ModelUnusable(f"model {version} cannot be read: {error}") from error
    if hashlib.sha256(raw).hexdigest() != said:
        raise ModelUnusable(f"model {version} is damaged: its checksum is another")
    try:
        return _parse(raw)
    except (ValueError, KeyError, TypeError, RuntimeError, OSError) as error:
        raise ModelUnusable(f"model {version} is not of this release: {error}") from error


def _parse(raw: bytes) -> Model:
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        meta = json.loads(arrays["meta"].tobytes())
        if meta["shape"] != SHAPE:
            raise ValueError(f"its inputs are {meta['shape']}, not {SHAPE}")
        series = tuple(Series(sensor, cast(Channel, channel)) for sensor, channel in meta["series"])
        parts = []
        for i, (first, last, count) in enumerate(meta["parts"]):
            networks = []
            for j in range(count):
                network = Network(len(series))
                names = network.state_dict()
                network.load_state_dict({n: torch.from_numpy(arrays[f"{i}/{j}/{n}"]) for n in names})
                networks.append(network.eval())
            parts.append(Part(first, last, tuple(networks)))
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
