"""Whether the loggers of the settings can be watched: they, their inlets and their zone have rows, and were learnt."""

from collections.abc import Iterator
from datetime import datetime

from cli.check_result import CheckResult
from cli.shell import printable
from common.folder import CRITERIA_FOLDER
from common.loggers import Area
from common.settings import Settings
from log import mark
from log.mark import Mark
from outliers import criteria


def loggers(chosen: Settings, _now: datetime) -> Iterator[CheckResult]:
    """One line for each zone with loggers; nothing without loggers."""
    known = mark.load(chosen.paths.data)
    for area in chosen.loggers.values():
        problem = _problem(area, known, chosen)
        yield CheckResult(not problem, f"loggers {area.name}", printable(problem or _learnt(area, chosen)))


def _problem(area: Area, known: Mark | None, chosen: Settings) -> str:
    closed = known.sensors if known else {}
    if not closed:
        return ""
    if area.name not in closed and area.name not in chosen.zones:
        named = ", ".join(chosen.zones) or "none"
        return f"{area.name} is no zone of the settings ({named}), and no meter with a row in the last days"
    never = [logger for logger in area.loggers if logger not in closed]
    if never:
        return (
            f"no row of {', '.join(never)} in the last days; correct loggers.{area.name}, or see hydrolog line meters"
        )
    return ""


def _learnt(area: Area, chosen: Settings) -> str:
    folder = chosen.paths.data / CRITERIA_FOLDER
    found = {logger: criteria.load(folder, logger) for logger in area.loggers}
    missing = [
        logger
        for logger, known in found.items()
        if known is None or known.logger is None or known.logger.area != area.name
    ]
    watched = f"{len(found) - len(missing)} of {len(found)} are watched"
    if not missing:
        return watched
    return (
        f"{watched}; not learnt yet: {', '.join(missing)} (eight weeks are needed with the flow of {area.name} and the "
        f"pressure of {', '.join(area.inlets)}; then: hydrolog criteria rebuild --sensor {missing[0]} --take)"
    )
