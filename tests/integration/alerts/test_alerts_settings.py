"""Wrong settings of the alerts, and their secrets."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alerts_box import Site
from ports import free_port

from common.errors import SettingsError
from common.folder import ALERTS_STATE_FILE
from common.settings import Settings, load
from common.settings_alerts import Person


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"log__groups": "archive"}, "log.groups: "),
        ({"alerts__urls": ""}, "alerts.urls: is empty"),
        ({"alerts__urls": "nonsense-s3cret"}, "alerts.urls: number 1 (unknown)"),
        ({"alerts__urls": "json://127.0.0.1/x,slack://s3cret"}, "alerts.urls: number 2 (slack)"),
        ({"alerts__urls": "mailto://jo:s3cret@127.0.0.1?from=s3cret"}, "alerts.urls: number 1 (mailto)"),
    ],
)
def test_wrong_settings_are_one_line_without_secrets(
    keys: dict[str, str], said: str, settings_for: Callable[..., Settings]
) -> None:
    here = Site(settings_for(**({"log__groups": "alerts", "alerts__urls": "json://127.0.0.1"} | keys)))
    with pytest.raises(SettingsError) as wrong:
        here.alerts()
    assert str(wrong.value).startswith(said)
    assert "s3cret" not in str(wrong.value) and "\n" not in str(wrong.value)


def test_addresses_of_a_wrong_type_are_not_shown(tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text('[alerts]\nurls = "mailto://jo:s3cret@host"\n')
    with pytest.raises(SettingsError, match=r"alerts\.urls: must be a list of texts") as wrong:
        load(config, {})
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('people = "mailto://jo:s3cret@host"', "alerts.people: must be a list of texts, is something else"),
        ('people = ["mailto://jo:s3cret@host"]', r"alerts.people[1]: must be a table"),
        ('[[alerts.people]]\nname = "Kim"', "alerts.people: number 1 has no addresses"),
        ('[[alerts.people]]\naddresses = ["json://jo:s3cret@@host"]', "alerts.people[1].addresses: number 1 must be"),
        ('[[alerts.people]]\nname = "json://s3cret"', "alerts.people[1].name: must be a name"),
        ('[[alerts.people]]\nkinds = ["json://s3cret"]', "alerts.people[1].kinds: must be some of leak,"),
        ('[[alerts.people]]\nlanguage = "s3cret"', "alerts.people[1].language: must be one of en, ko"),
        (
            '[[alerts.people]]\nquiet_hours = "s3cret"',
            'alerts.people[1].quiet_hours: must be a span like "22:00-06:00"',
        ),
        ('[[alerts.people]]\nquiet_hours = "22:00-22:00"', "alerts.people[1].quiet_hours: must be a span"),
        ('[[alerts.people]]\ndigest = "s3cret"', "alerts.people[1].digest: must be a time"),
        ('[[alerts.people]]\naddress = "s3cret"', "alerts.people[1].address: unknown key; "),
        ('page_url = "https://jo:s3cret@host/"', "alerts.page_url: must be the page's address"),
        ('page_url = "javascript:s3cret"', "alerts.page_url: must be the page's address"),
    ],
)
def test_a_wrong_key_of_a_person_is_named_and_no_secret_shown(text: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(f"[alerts]\n{text}\n")
    with pytest.raises(SettingsError) as wrong:
        load(config, {})
    assert str(wrong.value).startswith(said)
    assert "s3cret" not in str(wrong.value) and "\n" not in str(wrong.value)


def test_people_in_a_variable_are_refused_without_their_secrets() -> None:
    with pytest.raises(SettingsError, match=r"alerts\.people") as wrong:
        load(None, {"HYDROLOG_ALERTS__PEOPLE": "mailto://jo:s3cret@host"})
    assert "s3cret" not in str(wrong.value)


def test_an_address_of_a_person_that_the_library_does_not_know_is_named(
    settings_for: Callable[..., Settings],
) -> None:
    settings = settings_for(log__groups="alerts")
    person = Person("Kim", ("json://127.0.0.1", "nonsense-s3cret"))
    here = Site(replace(settings, alerts=replace(settings.alerts, people=(person,))))
    with pytest.raises(SettingsError) as wrong:
        here.alerts()
    assert str(wrong.value).startswith("alerts.people: number 1 address 2 (unknown) is not an address")
    assert "s3cret" not in str(wrong.value)


def test_a_missing_library_says_how_to_get_it(
    settings_for: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "apprise.py").write_text("raise ModuleNotFoundError('no', name='apprise')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'shadow'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    here = Site(settings_for(log__groups="alerts", alerts__urls="json://127.0.0.1"))
    with pytest.raises(SettingsError, match=r"hydrolog\[alerts\]"):
        here.alerts()


def test_no_secret_in_the_log_and_the_problem(
    settings_for: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    urls = f"mailto://jo:s3cret@127.0.0.1:{port}?from=a@example.org&to=b@example.org,json://127.0.0.1:{port}/s3cret"
    here = Site(settings_for(log__groups="alerts", alerts__urls=urls))
    alerts = here.alerts()
    here.leak()
    with caplog.at_level(logging.DEBUG):
        counters = alerts.step(here.clock.now())
    alerts.close()
    assert "(mailto)" in counters["problem"] and "(json)" in counters["problem"]
    written = caplog.text + json.dumps(counters) + (here.settings.paths.data / ALERTS_STATE_FILE).read_text()
    assert "not_told" in caplog.text
    assert "s3cret" not in written and "b@example.org" not in written
