"""A change that is not made: why, in the language of whoever asked for it."""

from common.errors import HydrologError
from common.messages import Catalogue, message, words

CHANGED = message("Meanwhile {by} has changed it, so nothing was changed. See how it is now.")


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
