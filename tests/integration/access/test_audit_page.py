"""Who did what, on the page: a real server, real HTTP, and no database."""

import ast
import html
import re
from collections.abc import Callable
from pathlib import Path

from access_site import Browser, make_user
from receiver_process import ReceiverProcess

from common import audit
from common.audit_words import DEEDS
from common.folder import AUDIT_FILE
from server.audit_page import ROWS

WRITING = {"record", "note", "store"}
ROOT = Path(__file__).resolve().parents[3]


def test_an_admin_sees_who_did_what_newest_first(empty: Callable[..., ReceiverProcess], tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_user(data, "Kim")
    kim = Browser(empty())
    kim.log_in("Kim")
    for number in range(ROWS):
        audit.record(data, "<b>Lee</b>", "192.0.2.1", "something-new", number=number, text="<script>x</script>")
    page = kim.get("/audit").body.decode()
    entries = [html.unescape(re.sub(r"<[^>]*>", "", each)) for each in re.findall(r"<li><time>.*?</li>", page, re.S)]
    assert len(entries) == ROWS
    assert all(word in entries[0] for word in ("<b>Lee</b>", "192.0.2.1", "something-new", f"number: {ROWS - 1}"))
    assert "<script>x" not in page and "<b>Lee" not in page
    older = kim.get("/audit?page=2").body.decode()
    assert "logged in" in older and "made a user" in older and "at the box" in older
    kim.headers["Accept-Language"] = "ko"
    assert "로그인" in kim.get("/audit?page=2").body.decode()
    assert "사용자: Kim, 권한: 관리자" in kim.get("/audit?page=2").body.decode()
    with (data / AUDIT_FILE).open("a") as file:
        file.write("half a li\n")
    assert "1줄" in kim.get("/audit").body.decode()


def test_each_code_that_is_written_down_has_its_words() -> None:
    """What is recorded, noted or stored with a code such as `user-added`, wherever that is."""
    written: set[str] = set()
    for path in (path for folder in ("server", "common", "outliers") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in WRITING:
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                written |= {text for text in texts if isinstance(text, str) and re.fullmatch("[a-z]+-[a-z]+", text)}
    assert {"user-added", "work-planned", "sensor-changed", "alerts-tested"} <= written <= DEEDS.keys()
