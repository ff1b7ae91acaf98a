"""A change that is not made: why, in the language of whoever asked for it."""

from datetime import datetime

from common.errors import HydrologError
from common.messages import Catalogue, message, words

CHANGED = message("Meanwhile {by} has changed it, so nothing was changed. See how it is now.")
FIRST_YEAR, END_YEAR = 1971, 9000  # of a time that can be computed with
NO_TIME = message("This is not a local time like 2024-09-17 09:00.")
NO_NAME = message("It may have {count} characters, and no control characters.")


class Refused(HydrologError):
    """It is not changed.

    Attributes:
        sentence, values: why, for the catalogues.
        field: what was wrong in the form; empty if it is not one field.
    """

    exit_code = 2

    def __init__(self, sentence: str, field: str = "", **values: object) -> None:
        super().__init__(words("en").say(sentence, **values))
        self.sentence, self.field, self.values = sentence, field, values

    def said(self, catalogue: Catalogue) -> str:
        """Why, in a language."""
        return catalogue.say(self.sentence, **self.values)


class NotPossible(Refused):
    """This cannot be done with how it is now."""

    exit_code = 1


def one_line(text: str, most: int, field: str) -> str:
    """What somebody has typed, as one line.

    Raises:
        Refused: it has more than `most` characters, or some that cannot be seen.
    """
    line = " ".join(text.split())
    if len(line) > most or not line.isprintable():
        raise Refused(NO_NAME, field, count=most)
    return line


def local_time(text: str, field: str) -> datetime:
    """What somebody has typed, as a local time without a zone, whole minutes.

    Raises:
        Refused: it is none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Refused(NO_TIME, field) from error
    if found.tzinfo is not None or not FIRST_YEAR <= found.year < END_YEAR:
        raise Refused(NO_TIME, field)
    return found.replace(second=0, microsecond=0)
