"""`hydrolog alerts test`: does every messenger take a message, and what would have been sent?"""

from collections.abc import Callable
from pathlib import Path

import pytest
from alerts_box import Site, bodies, webhook
from http_server import HttpServer, answer, in_turn

from cli import alerts as command
from cli import shell


def test_the_test_command_says_ok_or_what_is_wrong(
    server: HttpServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(f'[alerts]\nurls = ["{webhook(server)}", "{webhook(server, "s3cret")}"]\n')
    config.chmod(0o644)
    server.behave = in_turn(answer(200), answer(403))
    assert command.run(["test", "--config", str(config)]) == 1
    out = capsys.readouterr().out
    assert "alerts.urls 1 (json): ok\n" in out
    assert "alerts.urls 2 (json): " in out and "403" in out and "s3cret" not in out
    assert 'does not name "alerts"' in out and "chmod o-rwx" in out
    assert [body["title"] for body in bodies(server)] == ["test (site-1)"] * 2


def test_the_dry_run_shows_what_each_person_would_be_told_in_his_language_and_sends_nothing(
    site: Callable[..., Site],
    server: HttpServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = site()
    here.leak().signs[0].code = "flow \x1b[31m up"
    here.raises("watch", "PRE-STEP", sensor="002")
    here.clock.pass_(hours=2)
    monkeypatch.setattr(shell, "site_clock", lambda _data: here.clock)
    config = tmp_path / "hydrolog.toml"
    config.write_text(f"""
        [paths]
        data = "{here.settings.paths.data}"
        [[alerts.people]]
        name = "김"
        addresses = ["{webhook(server, "s3cret")}"]
        language = "ko"
        """)
    assert command.run(["test", "--dry-run", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "=== alerts.people 1 (json) 김, ko: 1 messages over the last day" in out
    assert "--- at once: " in out and "조치:" in out and "\x1b" not in out
    assert "s3cret" not in out and not server.requests
    config.write_text(config.read_text() + 'kinds = ["watch"]\nquiet_hours = "22:00-06:00"\ndigest = "08:00"\n')
    assert command.run(["test", "--dry-run", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "1 messages over the last day, not between 22:00-06:00 but for: leak" in out
    assert "--- in the digest of 08:00: " in out
