"""One TOML file, checked completely before anything is touched; each key is also HYDROLOG_SECTION__KEY.

A wrong or unknown key raises a `SettingsError` that names it: one line, exit code 2.
"""

import dataclasses
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

from common.errors import SettingsError
from common.loggers import SECTION as LOGGERS
from common.loggers import Loggers, read_loggers
from common.messages import LANGUAGES
from common.meters import SILENT_POLLS, Format, Modbus, SensorLimits, TextBus, limits_key, zone_key
from common.settings_alerts import GROUP, AlertsSettings
from common.settings_checks import (
    FILE,
    NO_LOG,
    between,
    clock_time,
    country_code,
    currency_name,
    database_url,
    groups,
    host_names,
    kafka_client,
    key,
    line_url,
    log_url,
    networks,
    one_of,
    proxy_url,
    serial_mode,
    server_url,
    site_id,
    time_zone,
)
from common.settings_tables import file_name_problem, put_text, read_table
from common.settings_weather import WeatherSettings
from common.toml_text import read_toml
from common.zones import SECTION as ZONES
from common.zones import Zones, read_zones

PREFIX = "HYDROLOG_"
DEFAULT_ALARMS_PER_MONTH = 0.3  # false LEAK alarms per point and rule: about one in three months
SERVER_TOKEN = "HYDROLOG_SERVER__TOKEN"
RECEIVER_TOKEN = "HYDROLOG_RECEIVER__TOKEN"
KAFKA_PASSWORD = "HYDROLOG_KAFKA__PASSWORD"
WEATHER_KEY = "HYDROLOG_WEATHER__KEY"
CONFIG = "HYDROLOG_CONFIG"  # the settings file of a group of processes; --config overrides it
# Variables with the prefix that are not settings: the file, the installation's folder, the demo's clock, the secrets.
_SECRETS = {SERVER_TOKEN, RECEIVER_TOKEN, KAFKA_PASSWORD, WEATHER_KEY}
_NOT_SETTINGS = {CONFIG, "HYDROLOG_HOME", "HYDROLOG_CLOCK", *_SECRETS}


@dataclass(frozen=True)
class SiteSettings:
    id: str = key("site-1", site_id)
    timezone: str = key("Asia/Seoul", time_zone)
    country: str = key("", country_code)  # its public holidays count as Sundays
    language: str = key("en", one_of(*LANGUAGES))  # of what people read
    water_price: float = key(0.0, between(0, 1e9))  # money a m3 of leakage; 0: unknown
    currency: str = key("", currency_name)  # of the price

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class PathsSettings:
    data: Path = key(Path("data"))


@dataclass(frozen=True)
class LineSettings:
    url: str = key("/dev/ttyUSB0", line_url)
    baudrate: int = key(9600, between(50, 4_000_000))
    mode: str = key("8N1", serial_mode)
    protocol: str = key("ascii", one_of("ascii", "described", "modbus"))
    lateness_seconds: float = key(5.0, between(0, 600))  # how late a reading of the previous minute may come
    hold_rows: int = key(100_000, between(1, 10_000_000))  # rows kept in memory while the disk is full
    zone: str = zone_key()  # of meters' clocks; empty: the site's
    flow_no_value: tuple[float, ...] = key([])  # numbers that meters send in place of a value
    flow_limits: tuple[float, ...] = limits_key()  # m3/h
    pressure_no_value: tuple[float, ...] = key([])
    pressure_limits: tuple[float, ...] = limits_key()  # bar
    sensors: tuple[SensorLimits, ...] = field(default=())  # the same of single sensors
    format: Format = field(default_factory=Format)  # for described lines
    ask: TextBus = field(default_factory=TextBus)  # for described lines that come only when asked for
    modbus: Modbus = field(default_factory=Modbus)

    @property
    def poll_seconds(self) -> float:
        """Between two polls of each meter; 0 where meters send by themselves."""
        if self.protocol == "modbus":
            return self.modbus.poll_seconds
        return self.ask.poll_seconds if self.ask.meters else 0.0

    @property
    def named(self) -> set[str]:
        """The sensors that the description of the meters names."""
        registers = {one.sensor for one in self.modbus.registers} if self.protocol == "modbus" else set()
        return registers | {self.format.sensor, *(meter.sensor for meter in self.ask.meters)} - {""}

    @property
    def quiet_minutes(self) -> int:
        """Minutes without a row that are as they should be, where meters are polled less often than every minute."""
        return int(SILENT_POLLS * self.poll_seconds / 60) if self.poll_seconds > 60 else 0


@dataclass(frozen=True)
class LogSettings:
    url: str = key(FILE, log_url)
    groups: tuple[str, ...] = key(["archive", "server"], groups)
    warn_bytes: int = key(256 * 1024 * 1024, between(1, 2**50))  # 2.5 million waiting rows: worth a warning
    compact_bytes: int = key(16 * 1024 * 1024, between(1, 2**50))  # rewriting less is not worth the wear of the disk


@dataclass(frozen=True)
class ServerSettings:
    url: str = key("", server_url)
    token_file: str = key("")
    every_minutes: int = key(10, between(1, 60))
    spread_seconds: int = key(0, between(0, 300))  # over which the sites of a center share out when they send
    timeout_seconds: float = key(30.0, between(0.1, 600))
    receipt: str = key("")  # what the server promises to answer to a delivery; {rows} is the number of rows
    proxy: str = key("", proxy_url)
    plain_http: bool = key(False)  # whether http:// may leave the box
    ca_file: str = key("")  # the certificate of the server's authority; empty: those of the system
    zones: bool = key(False)  # whether the rows of zones are sent, too: a server expects the sensors that it knows


@dataclass(frozen=True)
class KafkaSettings:
    """How to enter a Kafka cluster."""

    tls: bool = key(False)
    ca_file: str = key("")  # the certificate of the cluster's authority; empty: those of the system
    user: str = key("")  # of SASL; empty: the cluster asks for none
    mechanism: str = key("SCRAM-SHA-512", one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
    password_file: str = key("")
    client: tuple[str, ...] = key([], kafka_client)  # more settings of librdkafka, "name=value"


@dataclass(frozen=True)
class DatabaseSettings:
    url: str = key("", database_url)  # empty: the embedded one in the data folder


@dataclass(frozen=True)
class NightSettings:
    start: str = key("22:00", clock_time)
    end: str = key("05:00", clock_time)
    report_start: str = key("00:00", clock_time)
    report_end: str = key("05:00", clock_time)
    grace_seconds: float = key(60.0, between(0, 3600))


@dataclass(frozen=True)
class OutliersSettings:
    alarms_per_month: float = key(DEFAULT_ALARMS_PER_MONTH, between(0.001, 10))  # false LEAK alarms per point and rule


@dataclass(frozen=True)
class ForecastSettings:
    horizon_hours: int = key(24, between(1, 168))
    wait_seconds: float = key(60.0, between(0, 3600))


@dataclass(frozen=True)
class ReceiverSettings:
    host: str = key("127.0.0.1")
    port: int = key(8080, between(0, 65535))
    hosts: tuple[str, ...] = key([], host_names)  # names that browsers may ask for, besides this machine's own
    proxies: tuple[str, ...] = key([], networks)  # whose X-Forwarded-For is believed, besides this machine's
    token_file: str = key("")
    rows_per_minute: int = key(0, between(0, 1_000_000_000))  # that a site may deliver; 0: as many as come
    into: str = key("database", one_of("database", "log"))  # where batches go; "log": the cluster of log.url
    certificate: str = key("")  # with `key`: the page by TLS
    key: str = key("")


@dataclass(frozen=True)
class Settings:
    site: SiteSettings = field(default_factory=SiteSettings)
    paths: PathsSettings = field(default_factory=PathsSettings)
    line: LineSettings = field(default_factory=LineSettings)
    log: LogSettings = field(default_factory=LogSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    night: NightSettings = field(default_factory=NightSettings)
    outliers: OutliersSettings = field(default_factory=OutliersSettings)
    forecast: ForecastSettings = field(default_factory=ForecastSettings)
    weather: WeatherSettings = field(default_factory=WeatherSettings)
    alerts: AlertsSettings = field(default_factory=AlertsSettings)
    receiver: ReceiverSettings = field(default_factory=ReceiverSettings)
    zones: Zones = field(default_factory=dict)  # this section and the next: their keys are names
    loggers: Loggers = field(default_factory=dict)

    @property
    def is_center(self) -> bool:
        """Whether these are settings of a center, whose processes work for all sites of the database."""
        return self.log.url != FILE

    @property
    def is_http_center(self) -> bool:
        """Whether they are those of a center that has what boxes deliver over HTTP, and reads no topic."""
        return self.log.url == NO_LOG

    @property
    def are_alarms_sent(self) -> bool:
        """Whether somebody sends alarms: on a box its group "alerts"; in a center the server, of silent boxes."""
        return self.is_center or GROUP in self.log.groups

    @property
    def not_sent(self) -> Collection[str]:
        """The zones whose rows do not go to the server."""
        return () if self.server.zones else self.zones.keys()


_NAMED = (ZONES, LOGGERS)  # sections whose keys are names
_SECTIONS: dict[str, type[Any]] = {name: hint for name, hint in get_type_hints(Settings).items() if name not in _NAMED}


def load(config: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check all settings; relative paths start at the settings file's folder.

    Without `config`, the file named by HYDROLOG_CONFIG is used, if set.

    Raises:
        SettingsError: names the first key that is missing, unknown or wrong.
    """
    if config is None and environ.get(CONFIG):
        config = Path(environ[CONFIG])
    folder = config.resolve().parent if config else Path.cwd()
    raw = _read_toml(config) if config else {}
    for name in raw:
        if name not in _SECTIONS and name not in _NAMED:
            raise SettingsError(name, f"unknown section; sections are {', '.join((*_SECTIONS, *_NAMED))}")
        if not isinstance(raw[name], dict):
            raise SettingsError(name, f"must be a section, written [{name}]")
    _merge_environment(raw, environ)
    settings = Settings(**{name: read_table(name, kind, raw.get(name, {})) for name, kind in _SECTIONS.items()})
    files = {
        "server": ("token_file", "ca_file"),
        "kafka": ("ca_file", "password_file"),
        "weather": ("key_file", "ca_file"),
        "receiver": ("token_file", "certificate", "key"),
    }
    found = {section: _beside(folder, section, getattr(settings, section), names) for section, names in files.items()}
    zones = read_zones(raw.get(ZONES, {}), settings.line.named)
    paths, loggers = PathsSettings(folder / settings.paths.data), read_loggers(raw.get(LOGGERS, {}), zones)
    return dataclasses.replace(settings, paths=paths, zones=zones, loggers=loggers, **found)


def _beside(folder: Path, name: str, section: Any, keys: Iterable[str]) -> Any:
    """A section whose files begin at the folder."""
    named = {key: getattr(section, key) for key in keys}
    for entry, file in named.items():
        if problem := file_name_problem(file):
            raise SettingsError(f"{name}.{entry}", problem)
    return dataclasses.replace(section, **{key: str(folder / file) for key, file in named.items() if file})


def _read_toml(config: Path) -> dict[str, Any]:
    try:
        return read_toml(config)
    except OSError as error:
        raise SettingsError("--config", f"cannot read {config}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError("--config", f"{config} {error}{_about_backslash(error)}") from error


def _about_backslash(error: ValueError) -> str:
    if "Unescaped" not in str(error):
        return ""
    return (
        r"""; in double quotes write "\r\n", and "\u0002" for STX; a pattern with backslashes goes in single quotes"""
    )


def _merge_environment(raw: dict[str, Any], environ: Mapping[str, str]) -> None:
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS:
            continue
        section, separator, key = variable.removeprefix(PREFIX).lower().partition("__")
        if separator and section in _NAMED:
            raw.setdefault(section, {})[key] = text
            continue
        if not separator or section not in _SECTIONS:
            raise SettingsError(variable, "is not a setting; settings are HYDROLOG_SECTION__KEY")
        put_text(raw.setdefault(section, {}), _SECTIONS[section], f"{section}.{key}", text, variable)
