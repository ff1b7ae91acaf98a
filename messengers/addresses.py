"""The addresses in the settings, one per recipient, because a mail refused by one recipient is sent again to all."""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

from common.settings_alerts import SUPPLY, TOLD_KINDS, AlertsSettings, Person
from common.verdict import WATCH

MAIL = ("mailto", "mailtos")
_IN_MAIL = {"+In-Reply-To": "<{}@hydrolog>", "+References": "<{}@hydrolog>"}
_IN_FIELD = {":incident": "{}"}  # of a webhook's payload
_THREADS = {
    **dict.fromkeys(MAIL, _IN_MAIL),
    **dict.fromkeys(("json", "jsons", "xml", "xmls", "form", "forms"), _IN_FIELD),
    "gchat": {"thread": "{}"},
}
_BETWEEN = re.compile(r"[,;\s]+")
FILES_S = 30  # the library itself waits four seconds, and a report that is taken later would come twice
_COPIES = ("cc", "bcc")  # sent once, with the first recipient


class AlertAddress(NamedTuple):
    """One recipient."""

    url: str  # secret
    name: str  # for people, and not secret: "alerts.urls 2 (mailto) recipient 1"
    owner: str  # identifies the recipient, also when others are added to or removed from its address; secret
    person: Person


def everyone(alerts: AlertsSettings) -> list[AlertAddress]:
    """All recipients of the settings, mail addresses split by recipient; those of a person first.

    `alerts.urls` are told everything, in the site's language; WATCH and SUPPLY only if there is a digest.
    """
    kinds = tuple(kind for kind in TOLD_KINDS if alerts.digest or kind not in (WATCH, SUPPLY))
    nobody = Person(kinds=kinds, digest=alerts.digest)
    found = []
    for number, person in enumerate(alerts.people, 1):
        for place, url in enumerate(person.addresses, 1):
            which = f" address {place}" if len(person.addresses) > 1 else ""
            found += _recipients(url, f"alerts.people {number}{which}", person)
    for number, url in enumerate(alerts.urls, 1):
        found += _recipients(url, f"alerts.urls {number}", nobody)
    return found


def _recipients(url: str, where: str, person: Person) -> list[AlertAddress]:
    parts = _parts(url)
    return [
        AlertAddress(part, f"{where} ({kind(url)})" + (f" recipient {number}" if len(parts) > 1 else ""), owner, person)
        for number, (part, owner) in enumerate(parts, 1)
    ]


def names(owners: Sequence[str]) -> list[str]:
    """A name for each recipient that stays the same when others are added: its kind, and 16 bits of a hash.

    The hash is so short that it reveals nothing about a password in the address. Two recipients never share a name, or
    the second would get nothing; a recipient listed twice does.
    """
    found: list[str] = []
    taken: dict[str, str] = {}
    for owner in owners:
        name = first = f"{kind(owner)}-{hashlib.sha256(owner.encode()).hexdigest()[:4]}"
        number = 1
        while taken.setdefault(name, owner) != owner:
            number += 1
            name = f"{first}-{number}"
        found.append(name)
    return found


def kind(url: str) -> str:
    """The part of an address that is not secret: "mailto" of "mailto://user:password@host"."""
    scheme = url.partition("://")[0].lower()
    return scheme if scheme.isalnum() and len(scheme) <= 16 and scheme != url.lower() else "unknown"


def in_thread(url: str, thread: str) -> str:
    """The address with what makes its service put messages of one `thread` together; unchanged if it cannot.

    A mail answers a first message that was never sent: mail programs show answers to the same message as one thread.
    """
    key = _THREADS.get(url.partition("://")[0].lower())
    if key is None or not thread:
        return url
    added = "&".join(f"{name}={quote(form.format(thread), safe='')}" for name, form in key.items())
    return f"{url}{'&' if '?' in url else '?'}{added}"


def patient(url: str) -> str:
    """The address with time for a mail server that looks into files before it says yes; unchanged if it has its own."""
    if kind(url) not in MAIL or "rto=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}rto={FILES_S}"


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
