"""What size of leak is found at each sensor: for `hydrolog check` and `hydrolog criteria show`."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from cli.check_result import CheckResult
from cli.shell import printable
from common.folder import CRITERIA_FOLDER
from common.messages import words
from common.settings import Settings
from outliers import criteria
from outliers.detectability_text import said


def leaks(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """A line for each sensor with criteria."""
    for sensor, text in found_texts(chosen, criteria.sensors(chosen.paths.data / CRITERIA_FOLDER)):
        yield CheckResult(True, f"leaks {printable(sensor)}", text)


def found_texts(chosen: Settings, sensors: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each sensor, and what is found there; a logger without a flow finds none."""
    from outliers.watch.found_here import found_here, memories

    data = chosen.paths.data
    known = memories(data)
    for sensor in sensors:
        found = criteria.load(data / CRITERIA_FOLDER, sensor)
        if found is not None and found.use is None and found.logger is not None:
            continue
        yield sensor, said(found_here(data, sensor, chosen.site.zone, known), words("en"))
