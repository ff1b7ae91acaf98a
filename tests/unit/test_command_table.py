"""The `hydrolog` command: what it lists, what it says to a wrong name, how errors leave it."""

import functools
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import shell
from cli.__main__ import COMMANDS, main
from common.errors import HydrologError, SettingsError

PAGE = Path(__file__).parents[2] / "docs/engineers/page.md"


def test_the_list_names_every_command_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, (module, text) in COMMANDS.items():
        there = importlib.util.find_spec(module) is not None
        assert (f"  {name} " in out and text in out) == there


def test_each_command_and_each_of_its_actions_has_a_line_in_the_table_of_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/engineers/page.md says where it is on the page, or why it is not there."""
    found: dict[str, list[str]] = {name: [] for name in COMMANDS}
    add = shell.add_action

    def noted(command: str, actions: Any, name: str, *more: Any, **others: Any) -> Any:
        found[command].append(f"{command} {name}")
        return add(actions, name, *more, **others)

    for command, (module, _) in COMMANDS.items():
        monkeypatch.setattr(shell, "add_action", functools.partial(noted, command))
        with pytest.raises(SystemExit):
            importlib.import_module(module).run(["--help"])
    capsys.readouterr()
    table = PAGE.read_text("utf-8").partition("| command `hydrolog …` |")[2].partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert all(len(line) == 3 and (line[1] != "no" or line[2]) for line in lines)
    named = [name for line in lines for name in re.findall(r"`([^`]+)`", line[0])]
    wanted = [name for command, actions in found.items() for name in actions or [command]]
    assert sorted(named) == sorted(wanted)


@pytest.mark.parametrize("name", ["nonsense", "__main__", "--verbose"])
def test_a_wrong_name_is_bad_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name]) == 2
    assert "hydrolog --help" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["backtest"], ["backtest", "nonsense"]])
def test_a_command_of_two_words_says_what_the_second_may_be(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "backtest needs one of outliers, forecasts;" in capsys.readouterr().err


def test_a_wrong_value_is_said_without_names_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--speed", "fast"])
    assert capsys.readouterr().err == (
        "hydrolog demo: argument --speed: invalid value: 'fast'; see hydrolog demo --help\n"
    )


ACTIONS = ["criteria show", "criteria compare --sensor 7", "sensors add 7", "calendar list", "night set 7"]
ACTIONS += ["log verify", "log show 7", "sensors list", "alerts test"]


@pytest.mark.parametrize("words", ACTIONS)
@pytest.mark.parametrize("before", [True, False])
def test_the_settings_file_may_stand_before_or_behind_an_action(
    words: str, before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *action = words.split()
    option = ["--config", "/no/such/file"]
    assert main([name, *option, *action] if before else [name, *action, *option]) == 2
    assert "cannot read /no/such/file" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(SettingsError("line.url", "is wrong"), 2), (HydrologError("no"), 1)])
def test_an_error_is_one_line_and_its_exit_code(
    error: HydrologError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_args: list[str]) -> int:
        raise error

    monkeypatch.setitem(sys.modules, COMMANDS["load"][0], SimpleNamespace(run=fail, __spec__=True))
    assert main(["load"]) == code
    assert capsys.readouterr().err == f"{error}\n"


def test_the_list_imports_no_heavy_library() -> None:
    code = "import sys; from cli.__main__ import main; main(['--help']); print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "pandas", "psycopg", "rich"):
        assert f"'{heavy}'" not in out


def test_check_names_the_settings_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.toml"
    config.write_text('[site]\nid = "here"\n')
    monkeypatch.setenv("HYDROLOG_CONFIG", str(config))
    monkeypatch.setenv("HYDROLOG_RECEIVER__TOKEN", "s3cret")
    monkeypatch.setattr("cli.check.LOOKS", ())
    assert main(["check"]) == 0
    assert f"settings: {config}" in capsys.readouterr().out
