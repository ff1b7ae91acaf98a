"""The files of an installation agree with the program: settings, programs, exit codes."""

import configparser
import dataclasses
import shlex
import subprocess
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

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
    del default["line"]["sensors"]
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


def test_the_example_is_valid_and_differs_from_the_defaults_only_where_it_says_so() -> None:
    example, default = settings.load(EXAMPLE, {}), Settings()
    differing = {
        f"{f.name}.{key}"
        for f in dataclasses.fields(Settings)
        for key, value in dataclasses.asdict(getattr(example, f.name)).items()
        if value != dataclasses.asdict(getattr(default, f.name))[key]
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


def _install(commands: Path, python: str, df: str) -> subprocess.CompletedProcess[str]:
    """install.sh under a strict umask, with commands of our own in the place of those that would change the system."""
    bodies = {"id": "echo 0", "useradd": "exit 0", "usermod": "exit 0", "mkdir": "exit 0"}
    for name, body in {**bodies, "python3.11": python, "df": df}.items():
        (commands / name).write_text(f"#!/bin/sh\n{body}\n")
        (commands / name).chmod(0o755)
    return subprocess.run(
        ["bash", "-c", f"umask 077; exec bash {shlex.quote(str(DEPLOY / 'install.sh'))}"],
        env={"PATH": f"{commands}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_installation_that_stops_says_where_and_what_to_look_at(tmp_path: Path) -> None:
    answer = _install(
        tmp_path, 'case "$*" in *venv*) echo "no internet" >&2; exit 1;; esac', df="echo Avail; echo 1600M"
    )
    assert answer.returncode == 1
    last = answer.stderr.splitlines()[-3:]
    assert last[0].startswith("STOPPED in step 2/5")
    assert "df -h /opt" in last[1]
    assert "type the same command again" in last[2]


def test_an_installation_looks_for_room_before_anything_comes_down(tmp_path: Path) -> None:
    answer = _install(tmp_path, f'case "$*" in *venv*) touch {tmp_path}/made;; esac', df="echo Avail; echo 1499M")
    assert answer.returncode == 1
    assert "there is room for 1499 MB in /opt/hydrolog; 1500 MB are needed" in answer.stderr
    assert "STOPPED in step 2/5" in answer.stderr
    assert not (tmp_path / "made").exists()


def test_an_installation_under_a_strict_umask_is_readable_for_the_service(tmp_path: Path) -> None:
    _install(tmp_path, f'case "$*" in *venv*) touch {tmp_path}/made; exit 1;; esac', df="echo Avail; echo 1600M")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644
