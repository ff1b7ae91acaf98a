"""The files of a center agree with the program: settings, programs, exit codes, and what they say of each other."""

import configparser
import shlex
import shutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit_rating import must_be_rated

from common import settings
from common.errors import RoleTaken, SettingsError
from common.kafka_client import servers_and_topic
from common.settings import PREFIX, Settings

CENTER = Path(__file__).parents[2] / "deploy" / "center"
UNITS = sorted(CENTER.glob("*.service"))
PACKAGES = {point.module.removesuffix(".__main__") for point in entry_points(group="console_scripts")}


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((CENTER / "compose.yaml").read_text("utf-8"))


def loaded(name: str, environ: dict[str, str]) -> Settings:
    return settings.load(CENTER / f"{name}.toml", environ)


def service(unit: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text("utf-8"))
    return parser["Service"]


def test_servers_and_archives_use_one_topic_here_or_elsewhere(
    tmp_path: Path,
) -> None:
    front, archive = (loaded(name, {}) for name in ("front", "archive"))
    assert front.receiver.into == "log"
    assert front.log.url == archive.log.url
    for name in ("front", "archive"):
        whole = (CENTER / f"{name}.toml").read_text("utf-8")
        (tmp_path / name).write_text(
            whole.partition("# [kafka]\n")[0] + whole[whole.index("# [kafka]") :].replace("# ", "")
        )
        chosen = settings.load(tmp_path / name, {})
        assert (chosen.kafka.tls, chosen.kafka.user) == (True, name)


def test_a_center_without_kafka_takes_batches_into_its_own_database() -> None:
    chosen = loaded("http", {})
    assert (chosen.is_center, chosen.is_http_center, chosen.receiver.into) == (True, True, "database")
    assert chosen.paths.data == settings.load(CENTER.parent / "hydrolog.example.toml", {}).paths.data
    assert [host for host in chosen.receiver.hosts if host in (CENTER / "Caddyfile").read_text("utf-8")]


def test_the_containers_are_programs_of_the_product_with_settings_that_it_knows(compose: Any) -> None:
    ours = {name: each for name, each in compose["services"].items() if each["image"].startswith("hydrolog-center")}
    roles = ("front", "archive", "nightflow", "forecaster")
    assert set(ours) == {"tables", *(f"{role}-{number}" for role in roles for number in (1, 2))}
    for each in ours.values():
        command = each["command"]
        line = shlex.split(command[-1].rpartition("exec ")[2]) if command[0] == "sh" else command
        assert line[:3] == ["python", "-P", "-m"]
        assert line[3] in PACKAGES
        name = Path(line[line.index("--config") + 1]).name
        assert f"./{name}:/settings/{name}:ro" in each["volumes"]
        assert (CENTER / name).exists()
        known = {key: value for key, value in each["environment"].items() if key.startswith(PREFIX)}
        loaded(name.removesuffix(".toml"), known)


def test_the_brokers_the_topic_and_the_settings_name_the_same(compose: Any) -> None:
    services = compose["services"]
    brokers = {name: each for name, each in services.items() if name.startswith("kafka-")}
    servers, topic = servers_and_topic(loaded("front", {}).log.url)
    assert servers == ",".join(f"{name}:9092" for name in brokers)
    assert f"--topic={topic}" in services["topic"]["command"]
    for number, (name, each) in enumerate(brokers.items(), 1):
        chosen = each["environment"]
        assert chosen["KAFKA_NODE_ID"] == number
        assert chosen["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{name}:9092"
        assert f"{number}@{name}:9093" in chosen["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")
        assert each["volumes"] == [f"{name}:{chosen['KAFKA_LOG_DIRS']}"]
    (host,) = loaded("front", {}).receiver.hosts
    assert host in (CENTER / "Caddyfile").read_text("utf-8")


def test_every_volume_of_a_container_is_there(compose: Any) -> None:
    used = {volume.partition(":")[0] for each in compose["services"].values() for volume in each.get("volumes", ())}
    assert {name for name in used if not name.startswith("./")} == set(compose["volumes"])
    assert all((CENTER / name).exists() for name in used if name.startswith("./"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_program_of_the_product(unit: Path) -> None:
    chosen = service(unit)
    line = shlex.split(chosen["ExecStart"])
    assert line[1:3] == ["-P", "-m"]
    assert line[3] in PACKAGES
    assert (CENTER / Path(line[line.index("--config") + 1]).name).exists()
    useless = {int(code) for code in chosen["RestartPreventExitStatus"].split()}
    assert useless == {SettingsError.exit_code, RoleTaken.exit_code}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_rated_as_well_kept(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@", "@8081")  # only one with a name is rated
    shutil.copy(unit, copy)
    must_be_rated(copy, 15)
