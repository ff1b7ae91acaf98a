"""One TOML file, checked whole before anything is touched; each key is also HYDROLOG_SECTION__KEY.

A wrong or unknown key is a `SettingsError` that names it: one line, exit code 2.
"""

import dataclasses
import math
import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.errors import SettingsError

PREFIX = "HYDROLOG_"
SERVER_TOKEN = "HYDROLOG_SERVER__TOKEN"
RECEIVER_TOKEN = "HYDROLOG_RECEIVER__TOKEN"
CONFIG = "HYDROLOG_CONFIG"  # the settings file of a whole group of processes; --config wins
# Variables with the prefix that are not settings: the file, the group's folder, the demo's shared clock, two secrets.
_NOT_SETTINGS = {CONFIG, "HYDROLOG_HOME", "HYDROLOG_CLOCK", SERVER_TOKEN, RECEIVER_TOKEN}

_SECRET = {"alerts.urls", "database.url"}  # keys whose value no message may show

_SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)

Check = Callable[[Any], str | None]


def _key(default: Any, check: Check | None = None) -> Any:
    metadata = {"check": check} if check else {}
    if isinstance(default, list):
        return field(default_factory=lambda: tuple(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def _between(low: float, high: float) -> Check:
    return lambda value: None if low <= value <= high else f"must be between {low:g} and {high:g}, is {value:g}"


def _one_of(*choices: str) -> Check:
    return lambda value: None if value in choices else f"must be one of {', '.join(choices)}, is {value!r}"


def _clock_time(value: str) -> str | None:
    return None if _CLOCK_TIME.fullmatch(value) else f'must be a time like "22:00", is {value!r}'


def _zone(value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f'must be a time zone like "Asia/Seoul", is {value!r}'
    return None


def _site_id(value: str) -> str | None:
    return None if _SITE_ID.fullmatch(value) else f"must be letters, digits, '_', '.', '-' only, is {value!r}"


def _http_url(value: str) -> str | None:
    if value == "":
        return None
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    return None if good else f"must be an http:// or https:// address, is {value!r}"


def _log_url(value: str) -> str | None:
    good = value == "file" or re.fullmatch(r"kafka://[^/]+/[A-Za-z0-9._-]+", value)
    return None if good else f'must be "file" or "kafka://host:port/topic", is {value!r}'


def _groups(value: tuple[str, ...]) -> str | None:
    if not value:
        return "needs at least one group"
    for name in value:
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
            return f"{name!r} is not a group name (small letters, digits, '_', '-')"
    return None if len(set(value)) == len(value) else "names a group twice"


@dataclass(frozen=True)
class Site:
    id: str = _key("site-1", _site_id)
    timezone: str = _key("Asia/Seoul", _zone)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Paths:
    data: Path = _key(Path("data"))


@dataclass(frozen=True)
class Line:
    url: str = _key("/dev/ttyUSB0")
    baudrate: int = _key(9600, _between(50, 4_000_000))
    protocol: str = _key("ascii", _one_of("ascii", "modbus"))
    lateness_seconds: float = _key(5.0, _between(0, 600))  # how late a reading of the minute before may come
    hold_rows: int = _key(100_000, _between(1, 10_000_000))  # rows kept in memory while the disk is full


@dataclass(frozen=True)
class Log:
    url: str = _key("file", _log_url)
    groups: tuple[str, ...] = _key(["archive", "server"], _groups)
    warn_bytes: int = _key(256 * 1024 * 1024, _between(1, 2**50))  # 2.5 million rows waiting: somebody should know
    compact_bytes: int = _key(16 * 1024 * 1024, _between(1, 2**50))  # rewriting less is not worth the disk's wear


@dataclass(frozen=True)
class Server:
    url: str = _key("", _http_url)
    token_file: str = _key("")
    every_minutes: int = _key(10, _between(1, 60))
    timeout_seconds: float = _key(30.0, _between(0.1, 600))


@dataclass(frozen=True)
class Database:
    url: str = _key("")  # empty: the embedded one in the data folder


@dataclass(frozen=True)
class Night:
    start: str = _key("22:00", _clock_time)
    end: str = _key("05:00", _clock_time)
    report_start: str = _key("02:00", _clock_time)
    report_end: str = _key("04:00", _clock_time)
    grace_seconds: float = _key(60.0, _between(0, 3600))


@dataclass(frozen=True)
class Forecast:
    horizon_hours: int = _key(24, _between(1, 168))
    wait_seconds: float = _key(60.0, _between(0, 3600))


@dataclass(frozen=True)
class Alerts:
    urls: tuple[str, ...] = _key([])  # secrets: they hold passwords and tokens
    messages_per_hour: int = _key(6, _between(1, 3600))  # of faults; as many again of leaks: a person reads no more
    digest: str = _key("", lambda value: None if value == "" else _clock_time(value))  # WATCH and SUPPLY, once a day
    silent_minutes: int = _key(15, _between(2, 7 * 1440))


@dataclass(frozen=True)
class Receiver:
    host: str = _key("127.0.0.1")
    port: int = _key(8080, _between(0, 65535))
    token_file: str = _key("")


@dataclass(frozen=True)
class Settings:
    site: Site = field(default_factory=Site)
    paths: Paths = field(default_factory=Paths)
    line: Line = field(default_factory=Line)
    log: Log = field(default_factory=Log)
    server: Server = field(default_factory=Server)
    database: Database = field(default_factory=Database)
    night: Night = field(default_factory=Night)
    forecast: Forecast = field(default_factory=Forecast)
    alerts: Alerts = field(default_factory=Alerts)
    receiver: Receiver = field(default_factory=Receiver)


_SECTIONS: dict[str, type[Any]] = {
    f.name: hint for f, hint in zip(dataclasses.fields(Settings), get_type_hints(Settings).values(), strict=True)
}


def load(config: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check all settings; relative paths are taken from the settings file's folder.

    Without `config` the file is the one that HYDROLOG_CONFIG names, if it is set.

    Raises:
        SettingsError: names the first key that is missing, unknown or wrong.
    """
    if config is None and environ.get(CONFIG):
        config = Path(environ[CONFIG])
    folder = config.resolve().parent if config else Path.cwd()
    raw = _read_toml(config) if config else {}
    for name in raw:
        if name not in _SECTIONS:
            raise SettingsError(name, f"unknown section; there are {', '.join(_SECTIONS)}")
        if not isinstance(raw[name], dict):
            raise SettingsError(name, f"must be a section, written [{name}]")
    _merge_environment(raw, environ)
    settings = Settings(**{name: _section(name, kind, raw.get(name, {})) for name, kind in _SECTIONS.items()})
    return dataclasses.replace(
        settings,
        paths=Paths(folder / settings.paths.data),
        server=dataclasses.replace(settings.server, token_file=_beside(folder, settings.server.token_file)),
        receiver=dataclasses.replace(settings.receiver, token_file=_beside(folder, settings.receiver.token_file)),
    )


def _beside(folder: Path, name: str) -> str:
    return str(folder / name) if name else ""


def _read_toml(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        raise SettingsError("--config", f"cannot read {config}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("--config", f"{config} is not TOML: {error}") from error


def _merge_environment(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
            continue
        section, separator, key = variable.removeprefix(PREFIX).lower().partition("__")
        if not separator or section not in _SECTIONS:
            raise SettingsError(variable, "is not a setting; settings are HYDROLOG_SECTION__KEY")
        raw.setdefault(section, {})[key] = _from_text(section, key, text, variable)


def _from_text(section: str, key: str, text: str, variable: str) -> Any:
    kind = get_type_hints(_SECTIONS[section]).get(key)
    if kind is None:
        raise SettingsError(variable, f"there is no key {section}.{key}")
    try:
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError:
        raise SettingsError(variable, f"must be a number, is {text!r}") from None
    if get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _section(name: str, kind: type[Any], raw: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        where = f"{name}.{key}"
        if key == "token":
            raise SettingsError(
                where, "a token does not belong in the settings; put it in a file and name it in token_file"
            )
        if key not in fields:
            raise SettingsError(where, f"unknown key; {name} has {', '.join(fields)}")
        values[key] = _convert(where, hints[key], value)
        check: Check | None = fields[key].metadata.get("check")
        if check and (problem := check(values[key])):
            raise SettingsError(where, problem)
    return kind(**values)


def _convert(where: str, kind: Any, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    if get_origin(kind) is tuple and isinstance(value, list) and all(isinstance(v, get_args(kind)[0]) for v in value):
        return tuple(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind in (int, str) and type(value) is kind:
        return value
    names = {int: "a whole number", float: "a number", str: "a text in quotes", Path: "a path in quotes"}
    shown = "is something else" if where in _SECRET else f"is {value!r}"
    raise SettingsError(where, f"must be {names.get(kind, 'a list of texts')}, {shown}")


def read_token(variable: str, token_file: str, key: str, environ: Mapping[str, str] = os.environ) -> str:
    """A secret from its environment variable or from a file that only its owner may read.

    Raises:
        SettingsError: there is none, others can read the file, or it is not one line of printable ASCII.
    """
    token = environ.get(variable, "")
    if not token:
        if not token_file:
            raise SettingsError(key, f"no token: name a file here that holds it, or set {variable}")
        token = _read_secret(Path(token_file), key)
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SettingsError(key, "the token must be one line of printable ASCII without spaces")
    return token


def _read_secret(path: Path, key: str) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise SettingsError(key, f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_text("ascii").strip()
    except OSError as error:
        raise SettingsError(key, f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(key, f"{path} is not ASCII text") from error
