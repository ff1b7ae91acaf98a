"""`hydrolog check` of what a center does for its sites."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from cli.checks import CheckResult
from common.database import Database
from common.errors import DatabaseDown
from common.settings import Settings


def nights(chosen: Settings, now: datetime) -> Iterator[CheckResult]:
    """Whether somebody does the nights of all sites; nothing on a box."""
    from server import queries

    if not chosen.is_center:
        return
    with closing(Database(chosen, "check")) as database:
        try:
            with database.transaction() as cursor:
                states = queries.site_work(cursor, now)
        except DatabaseDown:
            return  # said by the check of the database
    found = next((each for each in states if each.work == "nights"), None)
    if found is None:
        yield CheckResult(False, "nights", "nobody does them; start hydrolog-nightflow on a machine of the center")
    elif found.overdue:
        text = f"{found.overdue} of {found.sites} sites are overdue; start hydrolog-nightflow, also on another machine"
        yield CheckResult(False, "nights", text)
    elif found.failed:
        text = f"of {found.failed} sites they fail; the log of hydrolog-nightflow says why: site_work_failed"
        yield CheckResult(False, "nights", text)
    else:
        yield CheckResult(True, "nights", f"of {found.sites} sites; the rows of {found.late} are awaited for 3 hours")
