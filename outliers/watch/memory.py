"""`detectors.json`: the stored state of all sensors' detectors.

A sensor with a damaged entry starts new; the others continue. The file has a version; a file of an older release
without one is converted (`migrate`).

A state is stored with each row, too often for a sync each: most go into `detectors.recent`, without, in the folder in
memory if there is one. After a kill that one is read. After a power cut it is gone or torn, and the last synced one is
read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from common import run_folder, state_file
from common.state_file import Minute, StateUnusable
from outliers.findings import Finding
from outliers.flags import METHODS
from outliers.watch.detector_state import DetectorState
from outliers.watch.migrate import from_format_4

VERSION = 5


class _Through(msgspec.Struct):
    """The part of the file that says how far it goes."""

    through: Minute = 0


class SensorMemory(msgspec.Struct):
    """One sensor: its detector, and the findings explained by planned work."""

    detector: DetectorState = msgspec.field(default_factory=DetectorState)
    planned: list[Finding] = []


def load(path: Path) -> dict[str, SensorMemory]:
    """The newest stored states by sensor. Missing or damaged entries are skipped; damage is logged."""
    if _through(_recent(path)) > _through(path):
        path = _recent(path)
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


def _recent(path: Path) -> Path:
    return run_folder.of(path.parent) / path.with_suffix(".recent").name


def _through(path: Path) -> int:
    """The last minute that a file knows of; -1 if there is none, or it is torn."""
    try:
        found = state_file.read(path, _Through)
    except StateUnusable:
        return -1
    return found.through if found else -1


def store(path: Path, memories: Mapping[str, SensorMemory], through: int = 0, *, durable: bool = True) -> None:
    """Store the states after the rows of the minute `through`; not `durable`: a power cut may lose them.

    The minute goes back only after a wrong clock, and with a durable store: then no state of the future is left.

    Raises:
        OSError: the file system refuses; the old files are untouched.
    """
    whole = {"version": VERSION, "through": through, "sensors": memories}
    state_file.store(path if durable else _recent(path), whole, durable=durable)
    if durable:
        _recent(path).unlink(missing_ok=True)
