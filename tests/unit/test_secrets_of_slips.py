"""Hundreds of slips in each address that may hold a secret: no part of it is shown, or looked up as a host.

The network is cut where our programs reach it, and says the worst that it could: all that it was asked for.
"""

import io
import itertools
import json
import logging
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from cli.__main__ import main
from common import database, logging_setup
from common.clock import FixedClock
from common.errors import DatabaseDown, SettingsError
from common.folder import HEALTH_FOLDER
from common.health import Health
from common.settings import RECEIVER_TOKEN, SERVER_TOKEN, Settings, load
from common.token_file import read_token
from server import state

NOW = datetime(2024, 8, 26, tzinfo=UTC)
TOKEN = "QxTkHrZwVbLn"
SECRETS = ("Zq7xKv29WmJd", *(f"Zq7xKv{sign}29WmJd" for sign in "@:/?#%&= ',[\\"))
ADDRESSES = {
    "DATABASE__URL": "postgresql://hydrolog:§@127.0.0.1:5432/water?connect_timeout=1",
    "SERVER__URL": "https://box:§@127.0.0.1:8443/v1/batches",
    "SERVER__PROXY": "http://box:§@127.0.0.1:3128",
    "LINE__URL": "socket://box:§@127.0.0.1:4001",
    "LOG__URL": "kafka://box:§@127.0.0.1:9092/rows",
    "ALERTS__URLS": "mailtos://box:§@127.0.0.1:587/?to=me@127.0.0.1",
}
WORDS = "host=127.0.0.1 port=5432 user=hydrolog password=§ dbname=water"
DELIMITERS = re.compile(r"://|[/:@?=& ]")


def slips(address: str) -> Iterator[str]:
    """The address with each delimiter dropped, doubled, encoded, replaced by another, moved and exchanged."""
    found = list(DELIMITERS.finditer(address))
    for match in found:
        before, sign, after = address[: match.start()], match[0], address[match.end() :]
        others = {other[0] for other in found} - {sign}
        for instead in ("", sign * 2, f"%{ord(sign[0]):02X}", *sorted(others)):
            yield before + instead + after
        yield before[:-1] + sign + before[-1:] + after
        yield before + after[:1] + sign + after[1:]
    for one, other in itertools.pairwise(found):
        between = address[one.end() : other.start()]
        yield address[: one.start()] + other[0] + between + one[0] + address[other.end() :]


def tried(address: str) -> Iterator[str]:
    """Each with one slip: in the address, or a secret that is not encoded."""
    yield from (address.replace("§", secret) for secret in SECRETS)
    for slip in slips(address):
        yield slip.replace("§", SECRETS[0])
        yield slip.replace("§", quote(SECRETS[1], safe=""))


def parts_of(secret: str) -> set[str]:
    """Each four characters of it, without what a message may have of its own."""
    runs = re.findall(r"[A-Za-z0-9]+", secret)
    return {run[at : at + 4] for run in runs for at in range(len(run) - 3)}


HIDDEN = {part for secret in (*SECRETS, TOKEN) for part in parts_of(secret)}


def shown(text: str) -> set[str]:
    return {part for part in HIDDEN if part.lower() in text.lower()}


class CutOff:
    """The network: it takes nobody, and remembers whom it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def libpq(self, url: str, **_: object) -> NoReturn:
        try:
            parts = conninfo_to_dict(url)
        except psycopg.Error as error:
            raise psycopg.ProgrammingError(f"{error}: {url}") from None
        self.asked.append(f"{parts.get('host')} {parts.get('hostaddr')} {parts.get('port')}")
        raise psycopg.OperationalError(f'connection to "{url}", {parts} failed: what it said is no good')

    def lookup(self, host: object, *_: object, **__: object) -> NoReturn:
        self.asked.append(str(host))
        raise socket.gaierror(-2, "Name or service not known")

    def connect(self, address: object, *_: object, **__: object) -> NoReturn:
        self.asked.append(str(address))
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> CutOff:
    cut = CutOff()
    monkeypatch.setattr(psycopg, "connect", cut.libpq)
    monkeypatch.setattr(socket, "getaddrinfo", cut.lookup)
    monkeypatch.setattr(socket, "create_connection", cut.connect)
    return cut


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that a person sees: what is printed, and what is logged."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    before = logging.getLogger().handlers[:]
    logging_setup.setup("test")
    yield stream
    logging.getLogger().handlers[:] = before


def settings_with(key: str, value: str, data: Path) -> dict[str, str]:
    others = {"HYDROLOG_PATHS__DATA": str(data), "HYDROLOG_LINE__URL": "/dev/none"}
    others["HYDROLOG_SERVER__URL"] = "https://water.example/v1/batches"  # so that the proxy is asked
    return others | {SERVER_TOKEN: TOKEN, RECEIVER_TOKEN: TOKEN, f"HYDROLOG_{key}": value}


def work(chosen: Settings, stream: io.StringIO) -> None:
    """What the processes do with the settings: whatever they publish in health, page and log."""
    health = Health(chosen.paths.data, "archive", NOW)
    connection = database.Database(chosen, "archive")
    try:
        with connection.transaction():
            pass
    except DatabaseDown as down:
        health.problem(NOW, 0.0, str(down))
        logging.getLogger("test").warning("waiting problem=%s", logging_setup.quoted(down), exc_info=down)
    stream.write(json.dumps(state.read(connection, chosen, FixedClock(NOW)), default=str))
    for file in (chosen.paths.data / HEALTH_FOLDER).glob("*.json"):
        stream.write(file.read_text())


@pytest.mark.parametrize("key", [*ADDRESSES, "WORDS"])
def test_no_slip_shows_a_secret(
    tmp_path: Path, network: CutOff, said: io.StringIO, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    name, address = ("DATABASE__URL", WORDS) if key == "WORDS" else (key, ADDRESSES[key])
    for url in dict.fromkeys(tried(address)):
        environ = settings_with(name, url, tmp_path)
        try:
            chosen = load(None, environ)
        except SettingsError as error:
            assert not shown(str(error)), url
            continue
        with monkeypatch.context() as patch:
            for variable, value in environ.items():
                patch.setenv(variable, value)
            for command in ("check", "status", "init-db") if name == "DATABASE__URL" else ("check",):
                main([command])
        if name == "DATABASE__URL":
            work(chosen, said)
        else:
            network.asked.append(str(urlsplit(url).hostname))  # whom the process itself would ask for
        assert not shown(said.getvalue()), url
        assert not shown(" ".join(network.asked)), url
        said.seek(said.truncate(0))
        network.asked.clear()


def test_the_slips_are_hundreds_and_right_addresses_are_among_those_taken() -> None:
    assert len({url for address in (*ADDRESSES.values(), WORDS) for url in tried(address)}) > 700
    for right in (ADDRESSES["DATABASE__URL"], WORDS):
        assert load(None, {"HYDROLOG_DATABASE__URL": right.replace("§", SECRETS[0])})


@pytest.mark.parametrize("text", ["{0}\n{1}\n", "token={0} {1}", "{0}\0{1}", "ü{0}{1}", "", " \n"])
def test_a_file_that_holds_no_token_is_not_quoted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text.format(TOKEN, SECRETS[0]))
    file.chmod(0o600)
    with pytest.raises(SettingsError) as refused:
        read_token(SERVER_TOKEN, str(file), "server.token_file", {})
    assert not shown(str(refused.value))


@pytest.mark.parametrize("wanted", ["database", "server", "alerts", "log", "line", "receiver"])
def test_a_secret_in_a_file_that_is_not_toml_is_not_quoted(tmp_path: Path, wanted: str) -> None:
    file = tmp_path / "hydrolog.toml"
    address = next((value for key, value in ADDRESSES.items() if key.startswith(wanted.upper())), "§")
    url = address.replace("§", SECRETS[0])
    for line in (
        f"url = {url}",
        f'url = "{url}',
        f"url = '{url}\"",
        f'url "{url}"',
        f'url = ["{url}"]',
        f'urls = "{url}"',
        f'urls = [["{url}"]]',
        f'"{url}"',
        f'url = {{ "a" = "{url}" }}',
        f'url = "{url}"\nurl = "{url}"',
        f'token = "{url}"',
        f'token_file = ["{url}"]',
        f'host = ["{url}"]',
        f'receipt = ["{url}"]',
    ):
        file.write_text(f"[{wanted}]\n{line}\n")
        try:
            load(file, {})
        except SettingsError as error:
            assert not shown(str(error)), line
