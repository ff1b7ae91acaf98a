"""The files of an installation agree with the program: settings, programs, exit codes."""

import configparser
import dataclasses
import shlex
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

from unit_rating import must_be_rated

from common import settings
from common.errors import RoleTaken, SettingsError
from common.meters import Register
from common.settings import Settings
from demo.folder import DemoFolder

DEPLOY = Path(__file__).parents[2] / "deploy"
EXAMPLE = DEPLOY / "hydrolog.example.toml"


def _group() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read(DEPLOY / "supervisord.conf")
    return parser


def test_the_example_holds_every_setting_and_no_other() -> None:
    raw = tomllib.loads(EXAMPLE.read_text("utf-8"))
    default = dataclasses.asdict(Settings())
    assert "# [[line.sensors]]\n" in EXAMPLE.read_text("utf-8")
    del default["line"]["sensors"], default["alerts"]["people"]
    assert {section: set(values) for section, values in raw.items()} == {
        section: set(values) for section, values in default.items()
    }
    assert set(raw["line"]["format"]) == set(default["line"]["format"])
    assert {*raw["line"]["modbus"], "registers"} == set(default["line"]["modbus"])


def test_the_examples_register_holds_every_key_with_its_default(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").partition("# [[line.modbus.registers]]\n")[2].partition("\n\n")[0]
    raw = tomllib.loads("\n".join(line.removeprefix("# ") for line in text.splitlines()))
    default = dataclasses.asdict(Register())
    assert set(raw) == set(default)
    assert {key for key in raw if raw[key] != default[key]} == {"sensor", "channel", "measure"}


def test_the_examples_person_holds_every_key(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").partition("# [[alerts.people]]\n")[2].partition("\n\n")[0]
    (tmp_path / "person.toml").write_text("[[alerts.people]]\n" + text.replace("# ", ""))
    (person,) = settings.load(tmp_path / "person.toml", {}).alerts.people
    assert set(tomllib.loads(text.replace("# ", ""))) == set(dataclasses.asdict(person))


def test_the_example_is_valid_and_differs_from_the_defaults_only_where_it_says_so() -> None:
    example, default = settings.load(EXAMPLE, {}), Settings()
    usual = dataclasses.asdict(default)
    differing = {
        f"{section}.{key}"
        for section, values in dataclasses.asdict(example).items()
        for key, value in values.items()
        if value != usual[section].get(key)
    }
    assert differing == {"paths.data", "server.url", "server.token_file", "receiver.token_file"}


def test_every_program_of_the_group_is_an_executable_of_the_product() -> None:
    group = _group()
    programs = group["group:hydrolog"]["programs"].split(",")
    packages = {point.module.removesuffix(".__main__") for point in entry_points(group="console_scripts")}
    assert sorted(programs) == sorted(s.removeprefix("program:") for s in group.sections() if s.startswith("program:"))
    for name in programs:
        # Not pip's scripts: they do not run in a folder whose name holds a quote or a dollar sign.
        *start, package = shlex.split(group[f"program:{name}"]["command"])[:4]
        assert start == ["python", "-P", "-m"]
        assert package in packages


def test_the_demos_simulator_is_started_like_the_group(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.make()
    folder.write_simulator(tmp_path, ["001"])
    program = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    program.read(tmp_path / "programs" / "simulator.conf")
    assert shlex.split(program["program:simulator"]["command"])[:5] == ["python", "-P", "-m", "cli", "simulate"]


def test_every_program_is_started_again_unless_trying_again_is_useless() -> None:
    group = _group()
    for name in group["group:hydrolog"]["programs"].split(","):
        program = group[f"program:{name}"]
        codes = {int(code) for code in program["exitcodes"].split(",")}
        assert codes == {0, SettingsError.exit_code, RoleTaken.exit_code}
        assert program["autorestart"] == "unexpected"
        assert program["startsecs"] == "0"  # anything else hides the exit code of an early death and ends in FATAL
        assert float(program["stopwaitsecs"]) > 5


def test_the_group_is_controlled_through_a_private_socket_only() -> None:
    group = _group()
    assert "inet_http_server" not in group
    assert group["unix_http_server"]["chmod"] == "0600"


def test_the_service_is_rated_as_well_kept() -> None:
    must_be_rated(DEPLOY / "hydrolog.service", 20)


def test_modems_are_left_to_the_modem_manager() -> None:
    rules = (DEPLOY / "99-serial.rules").read_text("ascii").splitlines()
    hiding = [line for line in rules if "ID_MM_" in line and not line.startswith("#")]
    assert len(hiding) == 2
    assert all("DRIVERS==" in line or "ID_VENDOR_ID}==" in line for line in hiding)
    assert not any(driver in "".join(hiding) for driver in ("option", "qcserial", "sierra", "cdc_acm"))
