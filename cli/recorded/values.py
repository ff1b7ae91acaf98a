"""Reads the texts of values: decimal and thousands marks, and what means "no value"."""

import math
import re

from cli.recorded.description import NO_VALUE, PLAIN, Description
from common.file_times import CellRefused
from common.memo import Memo

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_AFTER_A_COMMA = re.compile(r"0\d+", re.ASCII)  # as 8,02 without quotation marks becomes the values 8 and 02
_BLANKS = str.maketrans("\u00a0\u202f", "  ")  # those that do not break, as some programs write between thousands
NUMBER_HINT = re.compile(r"[+-]?\d[\d., '\u00a0\u202f]*([eE][+-]?\d+)?", re.ASCII)


def values(description: Description, factor: float) -> Memo[float]:
    """The value of each text, times a factor; NaN = no value. Raises CellRefused: it is no number."""
    return Memo(_Numbers(description, factor).read)


def qualities(good: tuple[str, ...]) -> Memo[bool]:
    """Whether the values beside a text count."""
    words = {word.casefold() for word in good}
    return Memo(lambda text: text.strip().casefold() in words)


class _Numbers:
    """Texts to numbers, as described."""

    def __init__(self, description: Description, factor: float) -> None:
        self._description = description
        self._factor = factor
        self._words = {word.casefold() for word in (*NO_VALUE, *description.no_value)}
        thousands, decimal = re.escape(description.thousands), re.escape(description.decimal)
        self._grouped = re.compile(rf"[+-]?\d{{1,3}}(?:{thousands}\d{{3}})+(?:{decimal}\d*)?", re.ASCII)
        self._codes = {float(word) for word in description.no_value if _NUMBER.fullmatch(word)}

    def read(self, text: str) -> float:
        """The value of a text."""
        plain = text.strip()
        if plain.casefold() in self._words:
            return math.nan
        described = self._description
        if described.thousands == " ":
            plain = plain.translate(_BLANKS)
        if described.thousands and self._grouped.fullmatch(plain):
            plain = plain.replace(described.thousands, "")
        if described.decimal == ",":
            plain = plain.replace(".", "?").replace(",", ".")
        if described is PLAIN and _AFTER_A_COMMA.fullmatch(plain):
            raise CellRefused(text, "looks like what follows a decimal comma; if it is a value, describe the file")
        if not _NUMBER.fullmatch(plain):
            raise CellRefused(text, _advice(text, described))
        number = float(plain)
        if number in self._codes:
            return math.nan
        if not abs(number) <= 1e12:
            raise CellRefused(text, f"is out of range; if it means no value, write no_value = [{text.strip()!r}]")
        return number if self._factor == 1 else float(f"{number * self._factor:.12g}")


def _advice(text: str, described: Description) -> str:
    if NUMBER_HINT.fullmatch(text.strip()):
        other = "." if described.decimal == "," else ","
        if other in text:
            advice = f'write decimal = "{other}" or thousands = "{other}"'
            return f'is not a number with decimal = "{described.decimal}"; {advice}'
        return 'is not a number; if it has marks between thousands, write thousands = " " or the like'
    return "is not a number; if it means no value, add it to no_value; if the row is no value, its first word to skip"
