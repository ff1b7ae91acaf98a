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
    assert [body["title"] for body in bodies(server)] == ["hydrolog site-1: test"] * 2


def test_the_dry_run_shows_the_messages_of_the_last_day_and_sends_none(
    site: Callable[..., Site], server: HttpServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site()
    here.leak("flow \x1b[31m up")
    here.rows(count=10)
    here.leak_over()
    here.clock.pass_(hours=2)
    monkeypatch.setattr(shell, "site_clock", lambda _data: here.clock)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(here.settings.paths.data))
    assert command.run(["test", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "--- 2024-08-26 12:00 hydrolog site-1: LEAK at sensor 001 (flow)" in out
    assert "--- 2024-08-26 12:11 hydrolog site-1: over: LEAK" in out
    assert "2 messages" in out and "\x1b" not in out
    assert not server.requests
