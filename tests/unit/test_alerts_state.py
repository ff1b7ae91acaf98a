"""What the alerts keep between two lives, and what never shows: the secrets in the addresses."""

import configparser
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import LogError
from common.folder import ALERTS_STATE_FILE
from consumer.alerts import state as alerts_state
from consumer.alerts.events import AlertEvent
from consumer.alerts.news import Said
from consumer.alerts.pending import Queue
from consumer.alerts.state import AlertState
from consumer.alerts.worker import open_settings
from messengers.addresses import kind, names
from messengers.child import scrubbed

EVENT = AlertEvent("", "log", "BOX", "BOX-LOG", "fault", 1, 2, "12 MB ± 0.4 wait")


def test_the_state_comes_back_as_it_was(tmp_path: Path) -> None:
    said = {"001-x-leak": Said("leak", "watch", 7, 9.25, True)}
    queue = Queue(
        {EVENT.id: EVENT}, {"a": None}, said, {"b": None}, [1.5], [2.0], {"LEAK": 3}, 7.0, 9, date(2024, 8, 26)
    )
    ended = Queue({EVENT.id: replace(EVENT, cleared=9)})
    state = AlertState([EVENT], {"json-abcd": queue, "mailto-1234": ended})
    alerts_state.store(tmp_path, state)
    assert alerts_state.load(tmp_path) == state
    assert not (tmp_path / ALERTS_STATE_FILE).stat().st_mode & 0o007


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"up": 1, "queues": null}'])
def test_a_damaged_state_is_a_new_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ALERTS_STATE_FILE).write_bytes(content)
    assert alerts_state.load(tmp_path) == AlertState()


def test_a_disk_that_refuses_is_an_error_that_passes(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot keep"):
        alerts_state.store(tmp_path / "gone", AlertState())


def test_a_messengers_name_is_its_own_and_stays_when_others_come() -> None:
    first, second = "json://host/a", "mailto://jo:secret@host"
    assert names([second, first]) == names([first, second])[::-1]
    assert len(set(names([first, second]))) == 2
    assert "secret" not in names([second])[0] and len(names([second])[0].split("-")[1]) == 4


@pytest.mark.parametrize("url", ["s3cret", "s3cret-token://x", "", "://x"])
def test_only_a_kind_is_taken_for_a_kind(url: str) -> None:
    assert "s3cret" not in kind(url)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=3, max_size=30))
def test_no_part_of_an_address_is_ever_said(secret: str) -> None:
    written = quote(secret, safe="")
    url = f"slack://{written}/Bxx/Cxx"
    said = scrubbed(f"{secret} | {written} | {url} | https://{written}@elsewhere/x", [url])
    assert said == "*** | *** | *** | ***"


def test_an_encoded_password_is_not_said_decoded() -> None:
    url = "mailto://jo:p%40ss%2Fword@mail.example.org?to=op@example.org"
    assert "ss" not in scrubbed("login failed with p@ss/word", [url])
    assert "mail.example.org" in scrubbed("cannot reach mail.example.org", [url])


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_settings_that_everybody_can_read_are_warned_about(tmp_path: Path, mode: int, warned: bool) -> None:
    config = tmp_path / "hydrolog.toml"
    config.touch()
    config.chmod(mode)
    assert bool(open_settings(config, {})) == warned
    assert bool(open_settings(None, {"HYDROLOG_CONFIG": str(config)})) == warned
    assert not open_settings(config, {"HYDROLOG_ALERTS__URLS": "json://x"})


def test_the_program_for_supervisord_is_the_same_as_those_of_the_group() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    group, own = (configparser.RawConfigParser(inline_comment_prefixes=(";",)) for _ in range(2))
    group.read(deploy / "supervisord.conf")
    own.read(deploy / "programs" / "alerts.conf")
    theirs = dict(group["program:consumer-server"])
    differing = {key for key, value in own["program:consumer-alerts"].items() if theirs.get(key) != value}
    assert differing == {"command", "stdout_logfile"}
    assert shlex.split(own["program:consumer-alerts"]["command"]) == [
        "python",
        "-P",
        "-m",
        "consumer",
        "--group",
        "alerts",
    ]
