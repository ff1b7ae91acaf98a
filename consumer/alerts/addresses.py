"""The addresses in the settings, one per recipient, because a mail refused by one recipient is sent again to all."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

MAIL = ("mailto", "mailtos")
_BETWEEN = re.compile(r"[,;\s]+")
_COPIES = ("cc", "bcc")  # sent once, with the first recipient


class AlertAddress(NamedTuple):
    """One recipient; `place` is the index of its address in the settings, `part` the recipient in it, both from 1."""

    url: str
    place: int
    part: int  # 0: the address has only this recipient
    owner: str  # identifies the recipient, also when others are added to or removed from its address; secret


def recipients(urls: Sequence[str]) -> list[AlertAddress]:
    """All addresses, with mail addresses split by recipient; an address that cannot be parsed is unchanged."""
    found = []
    for place, url in enumerate(urls, 1):
        parts = _parts(url)
        alone = len(parts) < 2
        found += [
            AlertAddress(part, place, 0 if alone else number, owner) for number, (part, owner) in enumerate(parts, 1)
        ]
    return found


def _parts(url: str) -> list[tuple[str, str]]:
    """The address and owner of each recipient."""
    scheme, separator, rest = url.partition("://")
    if scheme.lower() not in MAIL or not separator:
        return [(url, url)]
    place, _, query = rest.partition("?")
    host, *path = place.split("/")
    options = [option for option in query.split("&") if option]
    people = [unquote(part) for part in path if part]
    people += [one for option in options if _key(option) == "to" for one in _BETWEEN.split(_value(option)) if one]
    people = list(dict.fromkeys(people))
    if not people:
        return [(url, url)]
    others = [option for option in options if _key(option) != "to"]
    alone = [option for option in others if _key(option) not in _COPIES]

    def to(person: str, options: Sequence[str]) -> str:
        return f"{scheme}://{host}?" + "&".join([*options, f"to={quote(person, safe='@')}"])

    if len(people) == 1:
        return [(url, to(people[0], alone))]
    return [(to(one, alone if number else others), to(one, alone)) for number, one in enumerate(people)]


def _key(option: str) -> str:
    return option.partition("=")[0].lower()


def _value(option: str) -> str:
    return unquote(option.partition("=")[2])
