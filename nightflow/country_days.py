"""The public holidays of the site's country, from the library `holidays`: a file of the calendar, for all to read.

It is written at the first step, and anew when the country, the site's language or the library's version has changed. A
holiday that the library does not know, an election or a bridge day, goes into `holidays.txt`.
"""

import importlib.metadata
from pathlib import Path

from common import files
from common.errors import HydrologError
from common.folder import CRITERIA_FOLDER
from outliers.calendar import COUNTRY_HOLIDAYS
from outliers.calendar_lines import lines_of

FIRST_YEAR, LAST_YEAR = 2000, 2060  # old records, and as long as a box may run
LIBRARY = "holidays"


class NoSuchCountry(HydrologError):
    """The library does not know the country."""


def refresh(data: Path, country: str) -> bool:
    """Write the file if it is not that of this country; True if it was written or removed.

    Raises:
        NoSuchCountry: there are no holidays of it.
        OSError: the disk refuses.
    """
    path = data / CRITERIA_FOLDER / COUNTRY_HOLIDAYS
    if not country:
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed
    heading = f"# {country} by {LIBRARY} {importlib.metadata.version(LIBRARY)}; your own holidays go into holidays.txt"
    if lines_of(path)[:1] == [heading]:
        return False
    days = [f"{day}  {name}" for day, name in holidays_of(country)]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace(path, "".join(f"{line}\n" for line in [heading, *days]).encode())
    return True


def holidays_of(country: str) -> list[tuple[str, str]]:
    """Date and name of each holiday, oldest first.

    Raises:
        NoSuchCountry: there are none.
    """
    import holidays  # noqa: PLC0415 - some 10 MB that are needed once a version

    try:
        found = holidays.country_holidays(country, years=range(FIRST_YEAR, LAST_YEAR + 1))
    except NotImplementedError as error:
        raise NoSuchCountry(f"site.country: no holidays are known of {country}; put them into holidays.txt") from error
    return [(day.isoformat(), " ".join(name.split())) for day, name in sorted(found.items())]
