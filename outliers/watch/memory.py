"""`detectors.json`: the stored state of all sensors' detectors.

A sensor with a damaged entry starts new; the others continue. The file has a version; a file of an older release
without one is converted (`migrate`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from common import state_file
from common.state_file import StateUnusable
from outliers.findings import Finding
from outliers.flags import METHODS
from outliers.watch.detector_state import DetectorState
from outliers.watch.migrate import from_format_4

VERSION = 5


class SensorMemory(msgspec.Struct):
    """One sensor: its detector, and the findings explained by planned work."""

    detector: DetectorState = msgspec.field(default_factory=DetectorState)
    planned: list[Finding] = []


def load(path: Path) -> dict[str, SensorMemory]:
    """The stored states by sensor. Missing or damaged entries are skipped; damage is logged."""
    whole = state_file.load(path, dict[str, msgspec.Raw])
    if whole is None:
        return {}
    try:
        old = "version" not in whole
        if not old and state_file.parse(whole["version"], int) != VERSION:
            raise StateUnusable(f"not of version {VERSION}")
        entries = whole if old else state_file.parse(whole.get("sensors", msgspec.Raw(b"{}")), dict[str, msgspec.Raw])
    except StateUnusable as error:
        state_file.warn(path, error)
        return {}
    memories = {}
    for sensor, entry in entries.items():
        try:
            memories[sensor] = _old(entry) if old else _whole(state_file.parse(entry, SensorMemory))
        except StateUnusable as error:
            state_file.warn(path, StateUnusable(f"sensor {sensor}: {error}"))
    return memories


def _old(entry: msgspec.Raw) -> SensorMemory:
    raw = state_file.parse(entry, dict[str, Any])
    planned = state_file.convert(raw.get("planned", []), list[Finding])
    return _whole(SensorMemory(from_format_4(raw), planned))


def _whole(memory: SensorMemory) -> SensorMemory:
    if any(finding.method not in METHODS for finding in memory.planned):
        raise StateUnusable("a finding of an unknown method")
    return memory


def store(path: Path, memories: Mapping[str, SensorMemory]) -> None:
    """Replace the file, without a sync, because an older version does no harm.

    Raises:
        OSError: the file system refuses; the old file is untouched.
    """
    state_file.store(path, {"version": VERSION, "sensors": memories}, durable=False)
