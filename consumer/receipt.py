"""Does the body of a 2xx contradict it? A login page of a network says 200 to everything. Pure.

An empty or unknown body contradicts nothing: most servers promise no more than the status.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from common.logging_setup import quoted

DEPTH = 3  # of objects in the body
WEATHER = "weather"  # what stands under this name says nothing of rows
# Words for the rows that a server took, or had already; a server uses one of them, or some that add up.
_TAKEN = (
    *("rows", "count", "received", "accepted", "stored", "inserted", "saved", "written", "processed"),
    *("repeated", "duplicates", "updated", "ignored", "skipped", "unchanged"),
)
_REFUSED = ("rejected", "refused", "failed", "invalid", "errors")
_YES_OR_NO = ("success", "ok", "succeeded", "delivered")
_NO = ("error", "fail", "failed", "failure", "nok", "ko", "no", "n", "false", "denied", "unauthorized", "forbidden")
_NO_ERROR = ("none", "no", "n", "0", "ok", "false", "null", "")
_STATUS = ("status", "code", "statuscode", "status_code", "httpstatus")  # as of HTTP: 400 to 599 are errors
# The same in a text that is no JSON: in the manner of other languages, behind warnings, or cut off.
_TEXT_NO = re.compile(
    rb"""\b(?:success|ok|succeeded|delivered)["']?\s*[:=]\s*["']?(?:false|no?|0|fail\w*)\b"""
    rb"""|\berror["']?\s*[:=]\s*["']?(?!(?:none|no?|0|ok|false|null)\b)[^\s"'<,}\])]"""
    rb"""|\A\W*(?:error|fail(?:ed|ure)?|nok|denied|unauthorized|forbidden)\b(?!\W*(?:none|no|0)\b)"""
    rb"""|<(?:[\w.-]+:)?(?:fault|error|exception)(?:\s[^>]*)?>(?!\s*(?:none|no?|0|ok|false|null)?\s*</)"""
    rb"""|<(?:success|ok|succeeded|delivered)>\s*(?:false|no?|0)\s*</"""
    rb"""|<(?:status|result|state)>\s*(?:error|fail\w*|nok|denied|unauthorized|forbidden)\b""",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9]{1,9}")
_PAGE = re.compile(rb"<\s*(!doctype|html|head|body|title|meta|script|br|b|p|div|h1|form)\b", re.IGNORECASE)
_CRASH = re.compile(rb"(fatal error|parse error|uncaught \w*exception)\b|traceback \(most recent", re.IGNORECASE)


def contradiction(body: bytes, rows: int, receipt: str) -> str:
    """What in the answer to `rows` rows says that they are not stored; empty if nothing does.

    Args:
        receipt: what must stand in the body, `{rows}` being their number; empty if the server promises nothing.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if receipt and receipt.replace("{rows}", str(rows)) not in text.decode("utf-8", "replace"):
        return f"server.receipt does not stand in {quoted(text)}"
    try:
        said = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return _no_text(text)
    if said is False or (isinstance(said, str) and said.strip().lower() in _NO):
        return f"it says {quoted(text)}"
    parts = list(_objects(said, DEPTH))
    denials = (_denied(part) for part, _ in parts)
    counts = (_miscounted(part, rows) for part, listed in parts if not listed)  # not of single rows
    return next((problem for problem in (*denials, *counts) if problem), "")


def _no_text(text: bytes) -> str:
    """What is wrong with an answer that is no JSON."""
    if _CRASH.search(text):
        return f"the server's program failed: {quoted(text)}"
    if _PAGE.search(text):
        return f"a web page came; is a login page of the network (captive portal) or a proxy on the way? {quoted(text)}"
    return f"it says {quoted(text)}" if _TEXT_NO.search(text) else ""


def _objects(said: Any, depth: int, *, listed: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """An object and those in it, their names in small letters, and whether it is one of a list."""
    if isinstance(said, list):
        for one in said:
            yield from _objects(one, depth, listed=True) if isinstance(one, dict) else ()
    if isinstance(said, dict) and depth:
        yield {str(name).lower(): value for name, value in said.items()}, listed
        for name, value in said.items():
            if name != WEATHER:
                yield from _objects(value, depth - 1, listed=listed)


def _denied(said: dict[str, Any]) -> str:
    for name in _YES_OR_NO:
        if name in said and (said[name] in (False, 0) or str(said[name]).lower() in _NO):
            return f"it says {quoted(f'{name}: {said[name]}')}"
    for name in ("status", "result", "state"):
        if str(said.get(name)).lower() in _NO:
            return f"it says {quoted(f'{name}: {said[name]}')}"
    for name in _STATUS:
        if 400 <= (_number(said.get(name)) or 0) < 600:
            return f"it says {quoted(f'{name}: {said[name]}')}"
    for name in ("error", *_REFUSED):
        value = said.get(name)
        if value and str(value).strip().lower() not in _NO_ERROR:
            return f"it says {quoted(f'{name}: {value}')}"
    return ""


def _miscounted(said: dict[str, Any], rows: int) -> str:
    counts = [number for name in _TAKEN if (number := _number(said.get(name))) is not None]
    if counts and rows not in (*counts, sum(counts)):
        return f"it speaks of {' and '.join(map(str, counts))} rows, {rows} were sent"
    return ""


def _number(value: Any) -> int | None:
    """A whole number, also as a text; None if it is none."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
