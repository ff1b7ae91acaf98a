"""`hydrolog check` of what a center does for its sites."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from cli.check_result import CheckResult
from common.database import Database
from common.errors import DatabaseDown
from common.settings import Settings
from situation.site_work import WorkState

# The work, what people call it, and who does it.
WORKS = (("nights", "nights", "hydrolog-nightflow"), ("forecast", "forecasts", "hydrolog-forecaster"))


def of_sites(chosen: Settings, now: datetime) -> Iterator[CheckResult]:
    """Whether somebody does the nights and the forecasts of all sites; nothing on a box."""
    from server import queries

    if not chosen.is_center:
        return
    with closing(Database(chosen, "check")) as database:
        try:
            with database.transaction() as cursor:
                states = {each.work: each for each in queries.site_work(cursor, now)}
                is_empty = cursor.execute("SELECT FROM SITE_TB LIMIT 1").fetchone() is None
        except DatabaseDown:
            return  # said by the check of the database
    for work, name, program in WORKS:
        if is_empty:
            yield CheckResult(True, name, "none to do: no site has delivered yet")
        else:
            yield _of_work(states.get(work), name, program)


def _of_work(found: WorkState | None, name: str, program: str) -> CheckResult:
    if found is None:
        return CheckResult(False, name, f"nobody does them; start {program} on a machine of the center")
    if found.overdue:
        text = f"{found.overdue} of {found.sites} sites are overdue; start {program}, also on another machine"
        return CheckResult(False, name, text)
    if found.failed:
        text = f"of {found.failed} sites they fail; the log of {program} says why: site_work_failed"
        return CheckResult(False, name, text)
    return CheckResult(True, name, f"of {found.sites} sites; the rows of {found.late} are awaited for 3 hours")
