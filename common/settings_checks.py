"""Settings keys: a default and a check for the value."""

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import field
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FILE = "file"  # as log.url: the log of a box, in its data folder
NO_LOG = "none"  # a center that has what boxes deliver over HTTP

_SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)

Check = Callable[[Any], str | None]  # what is wrong with the value, or None


def key(default: Any, check: Check | None = None) -> Any:
    """A field of a section; a list becomes a tuple because settings are frozen."""
    metadata = {"check": check} if check else {}
    if isinstance(default, list):
        return field(default_factory=lambda: tuple(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def between(low: float, high: float) -> Check:
    return lambda value: None if low <= value <= high else f"must be between {low:g} and {high:g}, is {value:g}"


def one_of(*choices: str) -> Check:
    return lambda value: None if value in choices else f"must be one of {', '.join(choices)}, is {value!r}"


_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([rntabfve0]))|<(STX|ETX|EOT|ENQ|ACK|CR|LF)>")
_MEANT = {"r": "\r", "n": "\n", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "0": "\0"}
_NAMED = {"STX": "\2", "ETX": "\3", "EOT": "\4", "ENQ": "\5", "ACK": "\6", "CR": "\r", "LF": "\n"}


def spelt_out(value: str) -> str | None:
    """Refuse control characters that stand there as letters, as in single quotes of TOML, and say what to write."""
    meant = _ESCAPE.sub(_character, value)
    if meant == value:
        return None
    return (
        f"is the letters {value}, not the control characters; in single quotes a backslash is a letter. Write it in "
        f"double quotes: {json.dumps(meant)}"
    )


def _character(found: re.Match[str]) -> str:
    in_hex, in_unicode, letter, name = found.groups()
    if name:
        return _NAMED[name]
    return _MEANT[letter] if letter else chr(int(in_hex or in_unicode, 16))


def serial_mode(value: str) -> str | None:
    good = re.fullmatch(r"[78][NEO][12]", value)
    return None if good else f'must be data bits, parity and stop bits like "8N1" or "7E1", is {value!r}'


def clock_time(value: str) -> str | None:
    return None if _CLOCK_TIME.fullmatch(value) else f'must be a time like "22:00", is {value!r}'


def time_zone(value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f'must be a time zone like "Asia/Seoul", is {value!r}'
    return None


def country_code(value: str) -> str | None:
    return (
        None if re.fullmatch("[A-Z]{2}|", value) else f'must be two capital letters like "KR", or empty, is {value!r}'
    )


def currency_name(value: str) -> str | None:
    good = len(value) <= 10 and value.isprintable()
    return None if good else f'must be at most 10 printable characters like "KRW", is {value!r}'


def site_id(value: str) -> str | None:
    return None if _SITE_ID.fullmatch(value) else f"must have 1 to 64 letters, digits, '_', '.', '-', is {value!r:.100}"


# One host as all our addresses have it: anything else is a slip, and what stands there may be a password.
_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\])"
_PLACE = rf"{_HOST}(?::[0-9]{{1,5}})?"
_KAFKA_URL = re.compile(rf"kafka://{_PLACE}(?:,{_PLACE})*/[A-Za-z0-9._-]{{1,249}}")
_BAD_USER = re.compile(r"[@\[\]\s]|:$")  # a password that is not encoded, or one that stands behind the @


def server_url(value: str) -> str | None:
    if value.startswith("kafka:"):
        return (
            None if _KAFKA_URL.fullmatch(value) else 'must be like "kafka://a.example:9092,b.example:9092/server_data"'
        )
    if "@" in value:
        return (
            "must not hold a name or a password (and an @ elsewhere in it is written %40); the token goes into the "
            "file that server.token_file names"
        )
    return None if not value or _web_address(value) else "must be an address like https://water.example/v1/batches"


def web_url(value: str) -> str | None:
    good = not value or ("@" not in value and "#" not in value and _web_address(value))
    return None if good else "must be an address like https://weather.example.org/site.csv, without @ and #"


# Of the client, what our promises rest on, and what would be a secret in the settings.
_OURS = re.compile(
    r"bootstrap\.servers|metadata\.broker\.list|(request\.required\.)?acks|enable\.idempotence|transactional\.id"
    r"|(message|delivery)\.timeout\.ms|log_level|debug|partitioner|security\.protocol|ssl\.ca\.location"
    r"|sasl\.(username|password|mechanisms?)"
)
_SECRET = re.compile(r"password|secret|ssl\.key\.pem|oauthbearer|credential", re.IGNORECASE)


def kafka_client(value: tuple[str, ...]) -> str | None:
    for number, pair in enumerate(value, 1):
        name, equals, _ = pair.partition("=")
        if not equals or not re.fullmatch(r"[a-z][a-z0-9._]*", name):
            return f'number {number} must be like "socket.keepalive.enable=true"'
        if _OURS.fullmatch(name):
            return f"{name} is not free: keys of [kafka] or hydrolog itself set it"
        if _SECRET.search(name):
            return (
                f"{name} may be a secret, which does not belong in the settings; use kafka.user and kafka.password_file"
            )
    return None


def proxy_url(value: str) -> str | None:
    parts = _web_address(value) if value else None
    good = parts and parts.scheme == "http" and parts.path in ("", "/") and not parts.query and not parts.fragment
    return None if good or not value else "must be an address like http://10.0.0.1:3128"


def _web_address(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and value.isprintable() and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if good and _is_place(parts.netloc) else None


def _is_place(authority: str) -> bool:
    """Whether an address names a host, behind at most one name with its password."""
    user, _, place = authority.rpartition("@")
    return bool(re.fullmatch(_PLACE, place)) and not _BAD_USER.search(user)


# Kinds of alert addresses that name a host; others have a token or a number in its place.
_HOSTED = ("mailto", "mailtos", "json", "jsons", "form", "forms", "xml", "xmls")


def alert_urls(value: tuple[str, ...]) -> str | None:
    for number, url in enumerate(value, 1):
        kind, _, rest = url.partition("://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        if kind.lower() in _HOSTED and not _is_place(authority):
            return (
                f"number {number} must be like mailtos://user:password@host?to=person@host, where each of "
                ": / ? # @ % in the password is written as %3A %2F %3F %23 %40 %25"
            )
    return None


def line_url(value: str) -> str | None:
    """What a port of a server cannot have; the rest is checked where it is opened."""
    slip = "@" in value and not value.startswith("/")
    return "must not hold a name or a password: a port has none; write it like socket://10.0.0.7:4001" if slip else None


# What stands for a password in a message about an address: the rule, never the value.
_ENCODED = (
    "an address like postgresql://user:password@host:5432/database, where each of : / ? # @ % in the password is "
    "written as %3A %2F %3F %23 %40 %25"
)
_NO_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SOCKET_FOLDER = r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._-])+"
_HOSTS = re.compile(rf"(?:{_HOST}|{_SOCKET_FOLDER})?(?::[0-9]{{1,5}})?(?:,{_PLACE})*")
_WORD = r"\s*([a-z_]+)\s*=\s*('(?:\\.|[^'\\])*'|(?:\\.|[^\s'\\])*)"
_WORDS = re.compile(rf"(?:{_WORD}(?=\s|$))+\s*")
_WORDS_KNOWN = {  # where a slip would put a password: what else their values may be
    "host": re.compile(rf"/[^\s=]*|{_HOST}(?:,{_HOST})*"),
    "hostaddr": re.compile(r"[0-9A-Fa-f:.,%]*"),
    "port": re.compile(r"[0-9,]*"),
}


def database_url(value: str) -> str | None:
    """libpq guesses what a slip means, looks parts of a password up as a host, and prints it: so refuse it here."""
    if value == "":
        return None
    if "://" not in value:
        return None if _sound_words(value) else f"must be {_ENCODED}; or key=value words like host=… user=…"
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("postgresql", "postgres") and _sound(parts)
    except ValueError:  # the port
        good = False
    return None if good else f"must be {_ENCODED}"


def _sound_words(value: str) -> bool:
    words = [(name, word.strip("'")) for name, word in re.findall(_WORD, value)]
    return bool(_WORDS.fullmatch(value)) and all(
        _WORDS_KNOWN[name].fullmatch(word) for name, word in words if name in _WORDS_KNOWN
    )


def _sound(parts: SplitResult) -> bool:
    user, _, host = parts.netloc.rpartition("@")
    ports = [place.rpartition(":")[2] for place in host.split(",") if ":" in place and not place.endswith("]")]
    return (
        not _BAD_USER.search(user)
        and "@" not in parts.path + parts.query + parts.fragment
        and not parts.fragment
        and not _NO_PERCENT.search(parts.netloc)
        and bool(_HOSTS.fullmatch(host))
        and all(port.isdecimal() and 0 < int(port) < 65_536 for port in ports)
    )


def log_url(value: str) -> str | None:
    good = value in (FILE, NO_LOG) or _KAFKA_URL.fullmatch(value)
    return None if good else 'must be "file", or in a center "kafka://host:port/topic" or "none"'


def groups(value: tuple[str, ...]) -> str | None:
    if not value:
        return "needs at least one group"
    for name in value:
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
            return f"{name!r} is not a group name (small letters, digits, '_', '-')"
    return None if len(set(value)) == len(value) else "names a group twice"


def host_names(value: tuple[str, ...]) -> str | None:
    for name in value:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
            return f"{name!r} is not a host name: write it as in the address, without scheme, port or path"
    return None


def networks(value: tuple[str, ...]) -> str | None:
    for name in value:
        try:
            ipaddress.ip_network(name)
        except ValueError:
            return f'{name!r} is neither an address like "10.0.0.3" nor a network like "10.0.0.0/24"'
    return None


def is_loopback(host: str) -> bool:
    """Whether what goes there stays on the box."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
