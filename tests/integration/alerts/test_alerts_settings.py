"""Wrong settings of the alerts, and their secrets."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from alerts_box import Site
from ports import free_port

from common.errors import SettingsError
from common.folder import ALERTS_STATE_FILE
from common.settings import Settings, load


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


def test_a_missing_library_says_how_to_get_it(
    settings_for: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "apprise.py").write_text("raise ModuleNotFoundError('no', name='apprise')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "shadow"))
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
