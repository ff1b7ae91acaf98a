"""Fixtures of all tests: a real Postgres, a broker, settings on a folder of the test's own, a serial line."""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from broker import running_broker
from meter import Cable

from common import database
from common.folder import POSTGRES_URL_FILE
from common.settings import Settings, load
from common.site_columns import KEYS, PARTITIONED
from postgres import server

TEMPLATE = "hydrolog_template"
SITE = "site-1"  # of the settings, where they name none

# As on the box. More threads on these small arrays only wait for each other, busily; read when numpy is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

# No test may depend on how fast the machine is today. In CI the examples are the same ones each time: new ones are
# for whoever changes the code and can look at what they find. `--hypothesis-profile thorough` looks longer.
hypothesis.settings.register_profile(
    "hydrolog",
    deadline=None,
    max_examples=30,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "thorough", hypothesis.settings.get_profile("hydrolog"), max_examples=1_000, derandomize=False
)
hypothesis.settings.load_profile("hydrolog")


def pytest_xdist_auto_num_workers() -> int:
    """Two a core: most tests wait for a process or a time-out, not for the processor."""
    return 2 * (os.cpu_count() or 1)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An embedded Postgres for the whole run, with the schema in a template database."""
    with tempfile.TemporaryDirectory(prefix="hydrolog-tests-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with server.running(folder, SITE):
            url = (folder / POSTGRES_URL_FILE).read_text().strip().replace("//hydrolog@", "//postgres@")
            with psycopg.connect(url, autocommit=True) as connection:
                # Nobody cuts the power of this one; on a slow disk its syncs would be half of the time that tests take.
                for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                    connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
                connection.execute("SELECT pg_reload_conf()")
                connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
            template = _with_database(url, TEMPLATE)
            database.update_schema(template, SITE)
            with psycopg.connect(template) as connection:  # tests fill the tables by hand, most of them at one site
                for table in (*KEYS, PARTITIONED):
                    connection.execute(f"ALTER TABLE {table} ALTER COLUMN site SET DEFAULT '{SITE}'".encode())
            yield url


@contextmanager
def _copied(url: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        yield _with_database(url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    """A fresh database without a table, dropped after the test."""
    with _copied(postgres_url, "template1") as url:
        yield url


@pytest.fixture(scope="module")
def filled_url(postgres_url: str) -> Iterator[str]:
    """A database that a module fills once; each of its tests that uses `database_url` then gets a copy of it."""
    with _copied(postgres_url, TEMPLATE) as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with hydrolog's tables, dropped after the test."""
    filled = request.getfixturevalue("filled_url") if "filled_url" in request.fixturenames else f"/{TEMPLATE}"
    with _copied(postgres_url, urlsplit(filled).path[1:]) as url:
        yield url


MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings_for(tmp_path: Path) -> MakeSettings:
    """Settings on `tmp_path / "data"`; keywords are SECTION__KEY=text, as in the environment."""

    def make(**keys: object) -> Settings:
        environ = {f"HYDROLOG_{key.upper()}": str(value) for key, value in keys.items()}
        settings = load(None, {"HYDROLOG_PATHS__DATA": str(tmp_path / "data"), **environ})
        settings.paths.data.mkdir(parents=True, exist_ok=True)
        return settings

    return make


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Kafka-protocol broker of the file's own."""
    with running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """A serial line of the test's own."""
    cable = Cable(tmp_path / "line")
    yield cable
    for end in (cable.ours, cable.theirs):
        os.close(end)


@pytest.fixture(autouse=True)
def _no_inherited_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own HYDROLOG_ variables must not reach a test."""
    for variable in [name for name in os.environ if name.startswith("HYDROLOG_")]:
        monkeypatch.delenv(variable)
