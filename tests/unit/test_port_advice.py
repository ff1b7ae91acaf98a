"""What a person reads when a port does not open: what is wrong, and what to do."""

import errno
import os
import socket
import stat
import threading
from pathlib import Path

import pytest
import serial

from common.errors import PortError, SettingsError
from producer.port import Port, check_url


def said(url: str, monkeypatch: pytest.MonkeyPatch | None = None, error: Exception | None = None) -> str:
    if monkeypatch and error:

        def fail(*_arguments: object, **_options: object) -> None:
            raise error

        monkeypatch.setattr("producer.port._KeepingSerial", fail)
    with pytest.raises(PortError) as refused:
        Port(url, 9600, threading.Event()).open()
    text = str(refused.value)
    assert text.startswith(f"{url}: ")
    return text.removeprefix(f"{url}: ")


def test_a_file_is_no_port() -> None:
    assert said("/dev/null") == "it is not a serial port"


def test_a_missing_device_is_waited_for(tmp_path: Path) -> None:
    assert said(str(tmp_path / "none")) == "there is no such device; waiting for it"


def test_a_gateway_that_takes_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for scheme in ("socket", "rfc2217"):
        assert "connection refused" in said(f"{scheme}://127.0.0.1:{port}")


def test_a_gateway_that_does_not_answer_and_one_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, word in ((TimeoutError("timed out"), "is the gateway on"), (socket.gaierror(-2, "x"), "no such host")):

        def fail(*_arguments: object, error: Exception = error, **_options: object) -> None:
            raise error

        monkeypatch.setattr(socket, "create_connection", fail)
        assert word in said("socket://gateway.example:4001")


@pytest.mark.parametrize(
    ("group", "mode", "advice"),
    [
        (20, 0o660, "sudo usermod -aG dialout $USER"),
        (0, 0o660, "no group may open it either"),  # nobody should be told to join root
        (20, 0o600, "no group may open it either"),
    ],
)
def test_a_device_of_others_names_the_group_that_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, group: int, mode: int, advice: str
) -> None:
    values = [0] * 10
    values[stat.ST_MODE], values[stat.ST_GID] = stat.S_IFCHR | mode, group
    monkeypatch.setattr(Path, "stat", lambda _path: os.stat_result(values))
    names = {0: "root", 20: "dialout"}
    monkeypatch.setattr("grp.getgrgid", lambda number: type("Group", (), {"gr_name": names[number]}))
    error = serial.SerialException(errno.EACCES, "could not open port")
    assert advice in said(str(tmp_path / "tty"), monkeypatch, error)


def test_a_device_that_the_unit_forbids_names_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    error = serial.SerialException(errno.EPERM, "could not open port")
    assert "DeviceAllow=/dev/ttyMXUSB0 rw" in said("/dev/ttyMXUSB0", monkeypatch, error)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("socket://10.0.0.7", "a host and a port"),
        ("rfc2217://:4001", "a host and a port"),
        ("socket://10.0.0.7:serial", "a host and a port"),
        ("hwgrep://(", "is not valid"),
    ],
)
def test_an_address_that_can_never_be_one_is_a_wrong_setting(url: str, word: str) -> None:
    with pytest.raises(SettingsError, match=rf"^line\.url: .*{word}"):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["/dev/ttyUSB0", "socket://10.0.0.7:4001", "rfc2217://[::1]:4001", "hwgrep://0403:6001"]
)
def test_good_addresses_pass(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(("query", "joined"), [("", "?"), ("?timeout=1", "&")])
def test_a_serial_server_that_never_answers_one_option_is_opened_without(
    query: str, joined: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def for_url(url: str, **_options: object) -> object:
        opened.append(url)
        if not url.endswith("ign_set_control"):
            raise serial.SerialException("timeout while waiting for option 'control'")
        return object()

    monkeypatch.setattr("serial.serial_for_url", for_url)
    url = f"rfc2217://10.0.0.7:4001{query}"
    port = Port(url, 9600, threading.Event())
    port.open()
    port.open()
    assert opened == [url, f"{url}{joined}ign_set_control", f"{url}{joined}ign_set_control"]
    assert port.url == url


def test_a_serial_server_that_waits_for_an_option_even_so_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise serial.SerialException("timeout while waiting for option 'control'")

    monkeypatch.setattr("serial.serial_for_url", fail)
    assert said("rfc2217://10.0.0.7:4001") == "timeout while waiting for option 'control'"


def test_a_plain_port_asked_by_rfc2217(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise serial.SerialException("Remote does not seem to support RFC2217 or BINARY mode [...]")

    monkeypatch.setattr("serial.serial_for_url", fail)
    assert "write socket:// in place of rfc2217://" in said("rfc2217://10.0.0.7:4001")
