"""What is found at a sensor in its present weeks, by its detector's stored state."""

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from common.folder import CRITERIA_FOLDER, DETECTORS_FILE
from outliers import criteria as stored
from outliers.detectability import AS_LEARNT, detectability
from outliers.findable import Detectability
from outliers.watch import memory
from outliers.watch.detector import Detector
from outliers.watch.memory import SensorMemory


def memories(data: Path) -> Mapping[str, SensorMemory]:
    """The stored states in the data folder, by sensor."""
    return memory.load(data / DETECTORS_FILE)


def found_here(data: Path, sensor: str, zone: ZoneInfo, known: Mapping[str, SensorMemory]) -> Detectability | None:
    """None without history; without a stored state, as in the weeks that were learnt."""
    criteria = stored.load(data / CRITERIA_FOLDER, sensor)
    if criteria is None:
        return None
    kept = known.get(sensor)
    weeks = Detector(sensor, criteria, zone, kept.detector).weeks() if kept is not None else AS_LEARNT
    return detectability(criteria, weeks)
