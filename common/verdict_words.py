"""The verdict in words: what a problem is, more about it, and what to do, in the language of whoever reads."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from common import waits
from common.messages import Catalogue, fields, plain
from common.messages import words as catalogue_of
from common.units import USUAL, Units
from common.verdict import Problem, Value
from common.verdict_sentences import KINDS, PARTS, SENSOR, SENSORS, WORDS


class ProblemWords(NamedTuple):
    """A problem in words; `detail` and `todo` may be empty."""

    where: str
    word: str
    detail: str = ""
    todo: str = ""

    def __str__(self) -> str:
        more = "; ".join(filter(None, (self.detail, self.todo)))
        return f"{self.where}: {self.word}" + (f": {more}" if more else "")


def said(problem: Problem, language: str = "en", units: Units = USUAL) -> ProblemWords:
    """A problem in words; English for a language that is not known."""
    words, catalogue = WORDS[problem.code], catalogue_of(language, units)
    values = _values(problem, catalogue)
    detail = [catalogue.say(each, **values) for each in words.detail if fields(each) <= values.keys()]
    todo = catalogue.say(words.todo, **values) if words.todo else ""
    return ProblemWords(_where(problem, catalogue), catalogue.say(words.word), "; ".join(detail), todo)


def said_kind(kind: str, language: str) -> str:
    """One of the kinds of a verdict, in words."""
    return catalogue_of(language).say(KINDS[kind])


def spoken(problem: Problem, language: str = "en", units: Units = USUAL) -> dict[str, Any]:
    """A problem for programs and people: codes, values and words."""
    words = said(problem, language, units)
    return problem.to_json() | words._asdict() | {"line": str(words)}


def of_json(entry: Mapping[str, Any]) -> Problem:
    """The problem in an entry of `Problem.to_json` or `spoken`."""
    return Problem(entry["kind"], entry["subject"], entry["code"], entry["values"])


def span(seconds: float, language: str = "en") -> str:
    """A span of time, never negative; the English is short, for a line of the terminal."""
    seconds = max(0, int(seconds))
    minutes = seconds // 60
    if language == "ko":
        return catalogue_of(language).span(minutes) if minutes else f"{seconds}초"
    if minutes < 60:
        return f"{minutes} min" if minutes else f"{seconds} s"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def _where(problem: Problem, catalogue: Catalogue) -> str:
    if problem.code not in SENSORS:
        return catalogue.say(PARTS[problem.subject]) if problem.subject in PARTS else problem.subject
    name = plain(str(problem.values.get("name", "")))
    return catalogue.say(SENSOR, sensor=f"{problem.subject} {name}".strip())


def _values(problem: Problem, catalogue: Catalogue) -> dict[str, str]:
    """What the sentences may name."""
    known = {key: _shown(key, value, catalogue) for key, value in problem.values.items()}
    known |= {"role": problem.subject, "sensor": problem.subject}
    size, error = problem.values.get("size_m3h"), problem.values.get("error_m3h")
    if isinstance(size, int | float) and isinstance(error, int | float):
        known["size"] = catalogue.flow(size, error)  # rounded to what its error allows
    if catalogue.language == "ko" and "reason" in known:  # in the English of its author, where that is a process
        kind, reason = known.get("reason_kind"), known.pop("reason")
        known |= {"reason": waits.in_korean(kind, reason)} if kind else {}
    return known


def _shown(key: str, value: Value, catalogue: Catalogue) -> str:
    """A value in the form of its unit."""
    space = catalogue.units.space
    if isinstance(value, str):
        return plain(value)
    if key.endswith("_s"):
        return span(value, catalogue.language).replace(" ", space)
    if key.endswith("_bytes"):
        return f"{value / 1e6:,.0f}{space}MB"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
