"""Control characters that a settings file spells with letters: refused, with what to write instead."""

import json
import tomllib
from pathlib import Path

import pytest

from common.errors import SettingsError
from common.settings import load

MEANT = [
    (r"\r\n", "\r\n"),
    (r"\n", "\n"),
    (r"\r", "\r"),
    (r"\x02", "\x02"),
    (r"\u0003", "\x03"),
    (r"\t", "\t"),
    (r"\0", "\0"),
    (r"a\x0D", "a\r"),
    ("<CR><LF>", "\r\n"),
    ("<STX>", "\x02"),
]


def refusal(tmp_path: Path, text: str) -> SettingsError:
    config = tmp_path / "hydrolog.toml"
    config.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load(config, {})
    assert refused.value.exit_code == 2
    return refused.value


@pytest.mark.parametrize(("spelt", "meant"), MEANT)
@pytest.mark.parametrize("key", ["start", "end", "separator", "checksum_mark"])
def test_a_mark_in_single_quotes(tmp_path: Path, key: str, spelt: str, meant: str) -> None:
    refused = refusal(tmp_path, f"[line.format]\n{key} = '{spelt}'\n")
    assert refused.key == f"line.format.{key}"
    _, _, advice = str(refused).partition("double quotes: ")
    assert advice == json.dumps(meant)
    assert tomllib.loads(f"key = {advice}")["key"] == meant


@pytest.mark.parametrize(("spelt", "meant"), MEANT)
def test_a_question_in_single_quotes(tmp_path: Path, spelt: str, meant: str) -> None:
    refused = refusal(tmp_path, f"[line.ask]\nmeters = [{{ text = '?01{spelt}', sensor = 'a' }}]\n")
    assert refused.key == "line.ask.meters[1].text"
    assert str(refused).endswith(f"Write it in double quotes: {json.dumps('?01' + meant)}")


@pytest.mark.parametrize("mark", ["\\\\", "\\\\q", "<", "<M1>", "$", "/"])
def test_other_marks_are_as_they_are(tmp_path: Path, mark: str) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(f'[line.format]\nstart = "{mark}"\n', "utf-8")
    assert load(config, {}).line.format.start == mark.replace("\\\\", "\\")


@pytest.mark.parametrize("line", [r'start = "\x02"', r'pattern = "(?P<flow>\d+)"'])
def test_an_escape_that_is_none_in_double_quotes(tmp_path: Path, line: str) -> None:
    said = str(refusal(tmp_path, f"[line.format]\n{line}\n"))
    assert "is not TOML" in said
    assert r'write "\r\n", and "\u0002" for STX' in said
    assert "a pattern with backslashes goes in single quotes" in said


def test_a_mark_of_too_many_characters(tmp_path: Path) -> None:
    assert "at most 8 characters" in str(refusal(tmp_path, '[line.format]\nstart = "123456789"\n'))
    assert "at most 64 characters" in str(refusal(tmp_path, f'[line.ask]\nmeters = [{{ text = "{"?" * 65}" }}]\n'))
    assert "is empty" in str(refusal(tmp_path, '[line.ask]\nmeters = [{ text = "" }]\n'))
