"""The reference receiver as a process: its database away, stopped in mid-request, wrong settings, a taken port."""

import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from database_site import away
from ports import free_port
from receiver_process import DEADLINE_S, FORM, PROGRAM, TOKEN, ReceiverProcess, kept, key_of
from waiting import wait_for


def test_a_missing_database_is_waited_for(tmp_path: Path, database_url: str) -> None:
    port = free_port()
    nowhere = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    receiver = ReceiverProcess(tmp_path / "data", nowhere)
    receiver.start()
    try:
        answer = receiver.post_rows(1, 1)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        state = receiver.get("/api/state")
        assert state.status == 200
        assert "database" in state.json["database"]
        assert receiver.get("/").status == 200
        assert receiver.get("/api/sensor?sensor=001").status == 503
        health = receiver.get("/healthz")
        assert (health.status, b"database" in health.body) == (503, True)
        assert receiver.end(signal.SIGTERM) == 0
    finally:
        assert receiver.process is not None
        receiver.process.kill()


def test_a_database_that_comes_back_is_used_again(
    receiver: ReceiverProcess, database_url: str, postgres_url: str
) -> None:
    assert receiver.post_rows(1, 3).status == 200
    with away(postgres_url, database_url):
        assert receiver.post_rows(4, 6).status == 503
    assert receiver.post_rows(4, 6).json == {"stored": 3, "repeated": 0}
    assert [offset for offset, _ in kept(database_url)] == [1, 2, 3, 4, 5, 6]


def test_sigterm_in_mid_request_waits_for_no_sender(receiver: ReceiverProcess) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port)) as slow:
        headers = FORM | {"Idempotency-Key": key_of(1, 1), "Host": "127.0.0.1", "Content-Length": "500"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        slow.sendall(f"POST /v1/batches HTTP/1.1\r\n{head}\r\n1\t2024".encode())
        assert receiver.get("/api/state").status == 200
        assert receiver.end(signal.SIGTERM) == 0


def test_settings_that_cannot_be_used_end_it_at_once(tmp_path: Path, database_url: str) -> None:
    environ = {**os.environ, "HYDROLOG_PATHS__DATA": str(tmp_path / "data"), "HYDROLOG_DATABASE__URL": database_url}

    def ended(**changes: str) -> tuple[int, str]:
        done = subprocess.run(
            PROGRAM, env=environ | changes, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        return done.returncode, done.stderr

    status, said = ended()
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("receiver.token_file: ")
    open_to_all = tmp_path / "token"
    open_to_all.write_text(TOKEN)
    open_to_all.chmod(0o644)
    status, said = ended(HYDROLOG_RECEIVER__TOKEN_FILE=str(open_to_all))
    assert (status, "chmod 600" in said, TOKEN in said) == (2, True, False)
    status, said = ended(HYDROLOG_RECEIVER__PORT="http")
    assert (status, "HYDROLOG_RECEIVER__PORT" in said) == (2, True)


def test_one_server_a_data_folder(receiver: ReceiverProcess, tmp_path: Path, database_url: str) -> None:
    assert receiver.process is not None
    environ = {**os.environ, "HYDROLOG_PATHS__DATA": str(receiver.data), "HYDROLOG_RECEIVER__TOKEN": TOKEN}
    second = subprocess.run(PROGRAM, env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert second.returncode == 3
    assert str(receiver.process.pid) in second.stderr


def test_a_taken_port_is_waited_for(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        receiver = ReceiverProcess(tmp_path / "data", database_url, HYDROLOG_RECEIVER__PORT=str(port))
        starter = threading.Thread(target=receiver.start)
        starter.start()
        wait_for(lambda: receiver.output.exists() and f":{port}" in receiver.output.read_text(), "the complaint")
        taken.close()
        starter.join(DEADLINE_S)
    assert receiver.port == port
    assert receiver.get("/static/page.css").status == 200
    assert receiver.end(signal.SIGTERM) == 0
