"""The samples for nginx and Caddy, run by the real ones: what people do on the page works below a path of theirs."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from access_site import Browser, after, make_user, server_of
from page_site import LEAK_ID, write_incidents
from ports import free_port
from receiver_process import DEADLINE_S, Answer, ReceiverProcess
from starlette.requests import Request
from waiting import wait_for

from common import audit, certificates
from server.access.addresses import Proxies
from server.live import MOST_OF_ADDRESS

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "proxy"
NAME = "water.example.org"
NOW = datetime.now(UTC)
AUTHORITY = certificates.make_authority("proxy", [NAME], NOW)


@dataclass
class Proxy:
    """A running one; speaks as a browser at the other end of the network."""

    port: int
    data: Path

    def connection(self) -> http.client.HTTPSConnection:
        """To the proxy, under its name."""
        trusting = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
        made = http.client.HTTPSConnection(NAME, self.port, timeout=DEADLINE_S, context=trusting)
        cast(Any, made)._create_connection = lambda _address, *more: socket.create_connection(
            ("127.0.0.1", self.port), *more
        )
        return made

    def request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, f"/hydrolog{path}", body, {"Host": NAME, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ReceiverProcess]:
    data = tmp_path / "data"
    data.mkdir()
    make_user(data, "Kim")
    write_incidents(data)
    running = server_of(data, HYDROLOG_RECEIVER__HOSTS=NAME)
    yield running
    running.kill()


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, served: ReceiverProcess, tmp_path: Path) -> Iterator[Proxy]:
    program = shutil.which(request.param) or shutil.which(f"/usr/sbin/{request.param}")
    if program is None:
        pytest.skip(f"no {request.param}; apt-get install {request.param}")
    site = certificates.sign(AUTHORITY, [NAME], NOW)
    (tmp_path / "a.crt").write_bytes(site.certificate)
    (tmp_path / "a.key").write_bytes(site.key)
    port = free_port()
    arguments = (nginx if request.param == "nginx" else caddy)(tmp_path, port, served)
    own = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen([program, *arguments], env=os.environ | own, stdout=output, stderr=output)
    try:
        wait_for(lambda: process.poll() is not None or listens(port), "the proxy")
        assert process.poll() is None, (tmp_path / "output").read_text()
        yield Proxy(port, served.data)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def replaced(sample: str, others: dict[str, str]) -> str:
    """The sample with other words in the place of some, each of which must be there."""
    for old, new in others.items():
        assert old in sample, old
        sample = sample.replace(old, new)
    return sample


def nginx(folder: Path, port: int, server: ReceiverProcess) -> list[str]:
    ours = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "    listen [::]:443 ssl;\n": "",
        "/etc/ssl/water.example.org.crt": str(folder / "a.crt"),
        "/etc/ssl/private/water.example.org.key": str(folder / "a.key"),
        "127.0.0.1:8080": f"127.0.0.1:{server.port}",
    }
    (folder / "site.conf").write_text(replaced((DEPLOY / "nginx.conf").read_text(), ours))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    around = f"daemon off; pid {folder}/pid; error_log stderr; events {{}}"
    (folder / "nginx.conf").write_text(f"{around} http {{ access_log off; {own} include {folder}/site.conf; }}")
    return ["-c", str(folder / "nginx.conf"), "-e", "stderr"]


def caddy(folder: Path, port: int, server: ReceiverProcess) -> list[str]:
    ours = {
        f"{NAME} {{": f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/a.crt {folder}/a.key",
        "127.0.0.1:8080": f"127.0.0.1:{server.port}",
    }
    around = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(around + replaced((DEPLOY / "Caddyfile").read_text(), ours))
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def test_login_stream_and_act_work_below_a_path(proxy: Proxy) -> None:
    browser = Browser(cast(ReceiverProcess, proxy), Origin=f"https://{NAME}:{proxy.port}")
    assert after(browser.get("/")) == "login"
    login = browser.get("/login")
    assert "; Secure" in login.headers["Set-Cookie"]
    assert after(browser.log_in("Kim", next="incidents")) == "incidents"
    page = browser.get("/").body.decode()
    assert "Kim" in page
    for address in re.findall(r'(?:href|src|action)="([^"#]*)"', page):
        assert not address.startswith("/") and "://" not in address, "it leaves the path"
    assert browser.get("/static/page.css").status == 200
    assert first_event(proxy, browser)["parts"]["hero"]
    form: dict[str, Any] = {"do": "acknowledge", "text": "on my way", "id": "002-fault"}
    assert after(browser.send("/incident", browser.token(f"/incident?id={LEAK_ID}"), **form)).startswith("incident?id=")
    entries = {entry.what: entry.address for entry in audit.load(proxy.data)[0]}
    assert entries["login"] == entries["incident-acknowledge"] == "127.0.0.1"


def test_who_leaves_the_slash_out_gets_to_the_page(proxy: Proxy) -> None:
    with contextlib.closing(proxy.connection()) as connection:
        connection.request("GET", "/hydrolog", headers={"Host": NAME})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Location")) == (308, "/hydrolog/")


def test_an_address_that_the_browser_makes_up_is_not_believed(proxy: Proxy) -> None:
    browser = Browser(cast(ReceiverProcess, proxy), **{"X-Forwarded-For": "203.0.113.9"})
    browser.log_in("Kim")
    assert [entry.address for entry in audit.load(proxy.data)[0] if entry.what == "login"] == ["127.0.0.1"]


def first_event(proxy: Proxy, browser: Browser) -> Any:
    """Of a stream that stays open: a proxy that collects answers would never pass it on."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with contextlib.closing(proxy.connection()) as connection:
        connection.request("GET", "/hydrolog/events?screen=overview", headers={"Host": NAME, "Cookie": cookie})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "text/event-stream; charset=utf-8")
        unpacked, text = zlib.decompressobj(31), ""
        while not (found := re.search(r"^data: (.*)$\n\n", text, re.MULTILINE)):
            text += unpacked.decompress(answer.read1()).decode()
        return json.loads(found[1])


def test_each_browser_behind_a_proxy_has_limits_of_its_own(served: ReceiverProcess) -> None:
    browser = Browser(served)
    browser.log_in("Kim")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with contextlib.ExitStack() as open_pages:

        def status(address: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
            open_pages.enter_context(contextlib.closing(connection))
            connection.request("GET", "/events", headers={"Cookie": cookie, "X-Forwarded-For": address})
            return connection.getresponse().status

        assert {status("198.51.100.7") for _ in range(MOST_OF_ADDRESS)} == {200}
        assert status("198.51.100.7") == 503
        assert status("198.51.100.8") == 200


@pytest.mark.parametrize(
    ("client", "told", "address"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("::1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # the first was made up by the browser
        ("127.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["198.51.100.7, 10.0.0.3"], "198.51.100.7"),  # through two proxies
        ("10.0.0.3", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.3", ["198.51.100.7"], "198.51.100.7"),
        ("10.1.2.3", ["198.51.100.7"], "198.51.100.7"),
        ("10.2.2.3", ["198.51.100.7"], "10.2.2.3"),  # a stranger
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, "], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, 127.0.0.1"], "127.0.0.1"),  # whoever asked is on the proxy's machine
        ("10.0.0.3", ["10.0.0.3, 10.0.0.3"], "10.0.0.3"),
    ],
)
def test_only_known_proxies_say_for_whom_they_ask(client: str, told: list[str], address: str) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in told]
    request = Request({"type": "http", "client": (client, 5), "headers": headers})
    assert Proxies(["10.0.0.3", "10.1.0.0/16"]).address_of(request) == address
