"""`detectors.json`: what the detectors of all sensors keep between two lives of the process.

A sensor whose entry is damaged begins anew; the others go on. The file has a version; that of an older release without
one is taken over (`migrate`).
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
    """One sensor: its detector, and the findings that planned work explains."""

    detector: DetectorState = msgspec.field(default_factory=DetectorState)
    planned: list[Finding] = []


def load(path: Path) -> dict[str, SensorMemory]:
    """What `store` kept, by sensor. What is missing or damaged is left out; damage is warned of."""
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
    """Replace the file; without a sync, since an older one does no harm.

    Raises:
        OSError: the file system refuses; the old file is untouched.
    """
    state_file.store(path, {"version": VERSION, "sensors": memories}, durable=False)
