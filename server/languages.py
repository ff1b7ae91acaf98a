"""The language of whoever reads the page: as asked for, else as the browser says, else the site's. Pure."""

from collections.abc import Mapping

from common.messages import LANGUAGES

MOST_PREFERENCES = 20  # a browser sends a handful


def language_of(query: Mapping[str, str], headers: Mapping[str, str], of_site: str) -> str:
    """One of `LANGUAGES`."""
    asked = query.get("language", "")
    if asked in LANGUAGES:
        return asked
    preferred = _preferred(headers.get("accept-language", ""))
    return preferred or of_site


def _preferred(accepted: str) -> str:
    """The language of `LANGUAGES` that an Accept-Language header likes best; empty if it names none."""
    best, found = 0.0, ""
    for part in accepted.split(",")[:MOST_PREFERENCES]:
        tag, _, quality = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(quality)
        if language in LANGUAGES and weight > best:
            best, found = weight, language
    return found


def _weight(quality: str) -> float:
    """Of "q=0.8"; 1 without one, 0 for what is no number from 0 to 1."""
    name, _, number = quality.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(number)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
