"""Sentences, numbers and times in the language of whoever reads: gettext catalogues; English stands in the code.

`make words` brings `ko/LC_MESSAGES/hydrolog.po` in step with the code and compiles it.
"""

import functools
import gettext
import math
import string
import unicodedata
from datetime import date, datetime
from pathlib import Path

from common.units import USUAL, Units

LANGUAGES = ("en", "ko")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO_DIGITS = 3.55  # an error that begins with less is given with two digits, any other with one


def message(english: str) -> str:
    """Marks a sentence of a table for the catalogues."""
    return english


def plain(text: str) -> str:
    """Text of others in one line: without control, format and line characters, so it cannot change a message's form."""
    return "".join("?" if unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029" else sign for sign in text)


def fields(sentence: str) -> set[str]:
    """The names of its placeholders."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


CURRENCIES = (message("KRW"),)  # with a name of their own in a language; any other stays as it is


class Catalogue:
    """One language: its sentences, and how it writes numbers, times and spans; and the units of whoever reads."""

    def __init__(self, language: str, units: Units = USUAL) -> None:
        self.language = language
        self.units = units
        folder = Path(__file__).parent
        self._texts = gettext.translation("hydrolog", folder, [self.language], fallback=True)

    def say(self, english: str, **values: object) -> str:
        """A sentence with its values."""
        return self.text(english).format(**values)

    def text(self, english: str) -> str:
        """A sentence with its placeholders as they are."""
        return self._texts.gettext(english)

    def forms(self, one: str, more: str | None = None) -> list[str]:
        """A sentence, or one about a number in its forms, with its placeholders: the scripts of the page fill them."""
        return [self.text(one)] if more is None else [self._texts.ngettext(one, more, count) for count in (1, 2)]

    def many(self, one: str, more: str, count: int) -> str:
        """A sentence about `count` things; the placeholder is {count}."""
        return self._texts.ngettext(one, more, count).format(count=f"{count:,}")

    def time(self, at: datetime, now: datetime) -> str:
        """Day and time as the clock of `at` shows it; with the year only if that is not the year of `now`."""
        year = at.year != now.astimezone(at.tzinfo).year
        if self.language == "ko":
            return f"{at.year}년 " * year + f"{at.month}월 {at.day}일 {at:%H:%M}"
        return f"{at.day} {_MONTHS[at.month - 1]}" + f" {at.year}" * year + f" {at:%H:%M}"

    def day(self, at: date) -> str:
        """A day with its year."""
        return f"{at.year}년 {at.month}월 {at.day}일" if self.language == "ko" else f"{at.day} {self.month(at)}"

    def month(self, at: date) -> str:
        """A month with its year."""
        return f"{at.year}년 {at.month}월" if self.language == "ko" else f"{_MONTHS[at.month - 1]} {at.year}"

    def span(self, minutes: float) -> str:
        """A span, rounded to what is of use: minutes up to ten hours, hours up to a week; at least a minute."""
        whole = max(1, int(minutes))
        days, hours, rest = whole // 1440, whole // 60, whole % 60
        minute = self._joined(self.many("{count} minute", "{count} minutes", rest))
        if whole < 60:
            return minute
        if whole < 48 * 60:
            hour = self._joined(self.many("{count} hour", "{count} hours", hours))
            return f"{hour} {minute}" if rest and hours < 10 else hour
        day = self._joined(self.many("{count} day", "{count} days", days))
        rest_hours = self._joined(self.many("{count} hour", "{count} hours", hours % 24))
        return f"{day} {rest_hours}" if hours % 24 and days < 7 else day

    def flow(self, m3h: float, error: float | None = None) -> str:
        """A flow and its error, m3/h, as `amount` writes them in the reader's unit."""
        unit = self.units.flow
        return self.amount(unit.of(m3h), unit.name, None if error is None else unit.of(error))

    def about_flow(self, m3h: float) -> str:
        """An estimated flow, m3/h, as `about` writes it in the reader's unit."""
        return self.about(self.units.flow.of(m3h), self.units.flow.name)

    def measured(self, channel: str, value: float) -> str:
        """A flow of m3/h or a pressure of bar with the reader's unit, as precisely as it is shown."""
        return self.with_unit(self.figure(channel, value), self.units.of(channel).name)

    def figure(self, channel: str, value: float) -> str:
        """The same without its unit, where that stands elsewhere."""
        unit = self.units.of(channel)
        shown = unit.of(value)
        return _rounded(shown, unit.decimals(shown))

    def with_unit(self, number: str, unit: str) -> str:
        """A number that stays on one line with its unit."""
        return self._joined(f"{number} {unit}")

    def amount(self, value: float, unit: str, error: float | None = None) -> str:
        """A value with its unit, and its error, both rounded to what the error allows."""
        if error is None or not math.isfinite(error) or error <= 0:
            return self.with_unit(_rounded(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2), unit)
        power = math.floor(math.log10(error))
        digits = min(2, (1 if error / 10**power < _TWO_DIGITS else 0) - power)
        values = {"value": _rounded(value, digits), "error": _rounded(error, digits), "unit": unit}
        return self._joined(self.say("{value} ± {error} {unit}", **values))

    def about(self, value: float, unit: str) -> str:
        """An estimate of unknown error: two digits of it."""
        digits = 1 - math.floor(math.log10(abs(value))) if value else 0
        return self.with_unit(_rounded(value, min(1, digits)), unit)

    def _joined(self, text: str) -> str:
        """On one line, wherever lines are wrapped."""
        return text.replace(" ", self.units.space)

    def currency(self, name: str) -> str:
        """A currency of the settings as its readers write it."""
        return self.text(name) if name in CURRENCIES else name

    def share(self, value: float, error: float | None = None) -> str:
        """A share as a percentage."""
        if error is None or not math.isfinite(error) or error <= 0:
            return self.with_unit(_rounded(100 * value, 0), "%")
        return self.amount(100 * value, "%", max(1.0, 100 * error))


def words(language: str, units: Units = USUAL) -> Catalogue:
    """The catalogue of a language, the same one each time; English for one that is not known."""
    return _catalogue(language if language in LANGUAGES else LANGUAGES[0], units)


_catalogue = functools.cache(Catalogue)  # of what is known: anybody may ask for any other language


def _rounded(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:,.{max(0, digits)}f}"
