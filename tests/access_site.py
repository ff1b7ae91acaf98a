"""A hydrolog-server without a database but with users, and browsers that keep cookies and send forms."""

import contextlib
import html
import http.client
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

from receiver_process import DEADLINE_S, Answer, ReceiverProcess

from common.audit import Actor
from server.access import changes, passwords
from server.access.roles import Role

NO_DATABASE = "postgresql://127.0.0.1:9/nothing"
PASSWORD = "a pump in the rain"
_KEPT = passwords.hashed(PASSWORD)
PAGE = {"Accept": "text/html"}


def make_user(data: Path, name: str, role: Role = Role.ADMIN) -> None:
    changes.add(data, Actor("installer"), name, role, kept=_KEPT, at=datetime.now(UTC))


def server_of(data: Path, **environ: str) -> ReceiverProcess:
    server = ReceiverProcess(data, NO_DATABASE, **environ)
    server.start()
    return server


class Browser:
    """Follows no redirect by itself; keeps the cookies of one folder of addresses."""

    def __init__(self, server: ReceiverProcess, **headers: str) -> None:
        self.server = server
        self.headers = {**PAGE, **headers}
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, body: bytes | None = None, **headers: Any) -> Answer:
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.server.request(method, path, body, sent)
        self._keep(answer.headers, path)
        return answer

    def get(self, path: str, **headers: Any) -> Answer:
        return self.request("GET", path, **headers)

    def send(self, path: str, csrf: str | None = None, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
        """Send a form; its token is that of the page at the same address, unless one is given."""
        token = self.token() if csrf is None else csrf
        body = urlencode({"csrf": token, **fields}).encode()
        more: dict[str, Any] = dict(headers or {})
        return self.request("POST", path, body, Content_Type="application/x-www-form-urlencoded", **more)

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[Iterator[bytes]]:
        """What an open page is sent, event by event, until the server ends it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Accept": "text/event-stream", "Cookie": cookies})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            plain = zlib.decompressobj(zlib.MAX_WBITS | 16)
            yield (plain.decompress(chunk) for chunk in iter(lambda: answer.read1(65536), b""))

    def token(self, path: str = "/login") -> str:
        """Of the forms of a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]*)"', self.get(path).body.decode())
        return html.unescape(found[1]) if found else ""

    def log_in(self, name: str, password: str = PASSWORD, **fields: Any) -> Answer:
        return self.send("/login", name=name, password=password, **fields)

    def _keep(self, headers: http.client.HTTPMessage, path: str) -> None:
        for line in headers.get_all("Set-Cookie") or ():
            name, _, rest = line.partition("=")
            assert "Path" not in rest
            assert urljoin(path, ".") == "/", "a cookie of another folder"
            self.cookies[name] = rest.partition(";")[0]


def after(answer: Answer) -> str:
    """Where an answer sends the browser."""
    assert answer.status == 303, (answer.status, answer.body)
    return str(answer.headers["Location"])


def logged_in(server: ReceiverProcess, name: str = "Kim") -> Browser:
    made = Browser(server)
    assert after(made.log_in(name)) == "."
    return made


def told(answer: Answer, place: str) -> str:
    """What is said at a place of a page."""
    found = re.search(rf'<p[^>]*id="{place}"[^>]*>(.*?)</p>', answer.body.decode())
    return html.unescape(found[1]) if found else ""
