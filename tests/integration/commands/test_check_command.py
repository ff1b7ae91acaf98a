"""`hydrolog check`: ok to what is in place, and what to do about the rest."""

import errno
import os
import pty
import tempfile
import threading
import tty
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure, healthy, logged, now_minute, row
from http_server import Behaviour, HttpServer, answer, in_turn
from outlier_site import UTC as UTC_ZONE
from outlier_site import history

from cli import check, checks, checks_secrets, checks_server, sensors
from common.settings import load
from log.mark import Mark, store
from outliers import criteria
from outliers.learn.build import build


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EACCES, "sudo chown"), (errno.EROFS, "the disk may be damaged"), (errno.ENOSPC, "make room: sudo du")],
)
def test_check_says_why_the_folder_cannot_be_written(
    config: Configure, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def fail(**_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", fail)
    (finding,) = checks.folder(load(config()), datetime.now(UTC))
    assert not finding.ok
    assert advice in finding.text


class Server:
    """An HTTP server that gives one answer and remembers what was asked."""

    def __init__(self, answer: int) -> None:
        asked = self.asked = []  # type: list[tuple[str, str | None, bytes]]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.command, self.headers.get("Authorization"), body))
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1/batches"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def line() -> Iterator[str]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


@pytest.fixture
def answering() -> Iterator[Callable[[int], Server]]:
    made: list[Server] = []

    def make(answer: int) -> Server:
        made.append(Server(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_check_says_ok_to_everything_in_place(
    config: Configure,
    line: str,
    answering: Callable[[int], Server],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = now_minute()
    server = answering(422)
    path = config(server=f'url = "{server.url}"', line=f'url = "{line}"')
    monkeypatch.setenv("HYDROLOG_SERVER__TOKEN", "s3cret")
    monkeypatch.setenv("HYDROLOG_RECEIVER__TOKEN", "s3cret")
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 1)
    sensors.run(["add", "001", "--config", str(path)])
    logged(path, [row(now)]).close()
    criteria.store(path.parent / "data" / "criteria", build(history(70), UTC_ZONE, criteria.initial("001")))
    capsys.readouterr()
    code = check.run(["--config", str(path)])
    shown = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok   leaks 001: 9 leaks of 10 are found: ") for line in shown)
    assert [line for line in shown if not line.startswith("ok ")] == []
    assert code == 0
    subjects = {line.split()[1].rstrip(":") for line in shown}
    assert subjects >= {"settings", "folder", "disk", "clock", "log", "calendar", "group", "port", "database", "tables"}
    assert "server" in subjects
    assert server.asked == [("POST", "Bearer s3cret", b"")]  # no row was sent
    assert "s3cret" not in "".join(shown)


def test_check_says_what_to_do_and_leaves_with_1(
    config: Configure,
    connection: psycopg.Connection[Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    now = now_minute()
    path = config(line='url = "/dev/ttyNONE9"')
    connection.execute("DROP TABLE OUTLIER_TB")
    monkeypatch.setattr(checks, "MIN_FREE_BYTES", 10**18)
    store(tmp_path / "data", Mark(now + 600, 4, "log", {}))
    (tmp_path / "data" / "criteria").mkdir()
    (tmp_path / "data" / "criteria" / "planned.txt").write_text("soon\n")
    assert check.run(["--config", str(path)]) == 1
    fixes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FIX")]
    said = "\n".join(fixes)
    for expected in (
        "disk: only",
        "is closed already",
        "planned.txt line 1: must be SENSOR",
        "/dev/ttyNONE9",
        "OUTLIER_TB; run: hydrolog init-db",
        "server.url is empty",
    ):
        assert expected in said
    connection.execute("CREATE TABLE OUTLIER_TB ()")
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://127.0.0.1:1/none")
    assert check.run(["--config", str(path)]) == 1
    assert "FIX  database: " in capsys.readouterr().out


def test_check_of_a_port_that_the_producer_has_believes_the_producer(config: Configure, line: str) -> None:
    path = config(line=f'url = "{line}"')
    healthy(path.parent / "data", "producer", port="reading")
    (finding,) = checks.port(load(path), datetime.now(UTC))
    assert finding.ok
    assert str(os.getpid()) in finding.text


@pytest.mark.parametrize(
    ("status_", "ok", "word"),
    [
        (200, True, "accepted"),
        (400, True, "accepted"),
        (401, False, "token"),
        (404, False, "path"),
        (405, False, "path"),
        (301, False, "redirects"),
        (503, False, "internal error"),
        (None, False, "does not answer"),
    ],
)
def test_what_the_servers_answer_means(status_: int | None, ok: bool, word: str) -> None:
    found, text = checks_server.server_says(status_, "refused")
    assert (found, word in text) == (ok, True)


@pytest.mark.parametrize(
    ("behave", "ok"),
    [
        (answer(200, b"<html>Please log in</html>"), False),
        (answer(204, b""), False),
        (in_turn(answer(200), answer(401)), True),  # it takes an empty batch, but no wrong token
        (answer(400), True),
    ],
)
def test_a_server_that_says_yes_to_anything_is_no_server(config: Configure, behave: Behaviour, ok: bool) -> None:
    """A captive portal; without it the box would send its rows there and believe that they are stored."""
    with HttpServer(behave) as server:
        path = config(server=f'url = "{server.url}"\ntoken_file = "token"', log='groups = ["archive", "server"]')
        (path.parent / "token").touch(0o600)
        (path.parent / "token").write_text("right")
        (found,) = checks_server.server(load(path), datetime.now(UTC))
    assert found.ok is ok, found.text
    if not ok:
        assert "captive portal" in found.text and "hydrolog resend --from" in found.text
        assert server.requests[0].headers["authorization"] == "Bearer right"
        assert "right" not in server.requests[1].headers["authorization"]


@pytest.mark.parametrize(
    ("mode", "keys", "said"),
    [
        (0o600, {}, ""),
        (0o644, {}, ""),
        (0o666, {}, "chmod go-w"),
        (0o644, {"DATABASE__URL": "postgresql://me:geheim@127.0.0.1/x"}, "chmod o-rwx"),
        (0o640, {"DATABASE__URL": "postgresql://me:geheim@127.0.0.1/x"}, ""),
        (0o600, {"RECEIVER__TOKEN": ""}, "receiver.token_file"),
        (0o600, {"SERVER__URL": "http://water.example/", "SERVER__PLAIN_HTTP": "true"}, "https://"),
    ],
)
def test_what_others_could_read_or_change_is_said(
    config: Configure, monkeypatch: pytest.MonkeyPatch, mode: int, keys: dict[str, str], said: str
) -> None:
    monkeypatch.setenv("HYDROLOG_RECEIVER__TOKEN", "s3cret")
    for name, value in keys.items():
        monkeypatch.setenv(f"HYDROLOG_{name}", value)
    path = config()
    path.chmod(mode)
    found = list(checks_secrets.secrets(load(path), path))
    assert [result.ok for result in found] == [not said]
    assert said in found[0].text and "geheim" not in found[0].text


def test_files_and_folders_that_everyone_may_write_are_said(config: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDROLOG_RECEIVER__TOKEN", "s3cret")
    path = config()
    data = path.parent / "data"
    (data / "outbox.tsv").touch()
    for place in (data, data / "outbox.tsv", path.parent):
        before = place.stat().st_mode
        place.chmod(before | 0o002)
        (found,) = checks_secrets.secrets(load(path), path)
        assert not found.ok and f"chmod o-w {place}" in found.text
        place.chmod(0o1777)  # as /tmp: nobody replaces what is not his
        assert next(iter(checks_secrets.secrets(load(path), path))).ok
        place.chmod(before)


def test_a_network_share_is_told_from_a_local_disk(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nbox:/share {tmp_path} nfs4 rw 0 0\n")
    assert checks.file_system(tmp_path / "data", mounts) == "nfs4"
    assert checks.file_system(Path("/"), mounts) == "ext4"
    assert checks.file_system(Path("/"), tmp_path / "none") == "unknown"
