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
_NO = ("error", "fail", "failed", "failure", "nok", "ko", "no", "false", "denied", "unauthorized")
_NO_ERROR = ("none", "no", "0", "ok")
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
    if said is False:
        return "it says false"
    return next((problem for part in _objects(said, DEPTH) if (problem := _denied(part, rows))), "")


def _no_text(text: bytes) -> str:
    """What is wrong with an answer that is no JSON."""
    if _CRASH.search(text):
        return f"the server's program failed: {quoted(text)}"
    if _PAGE.search(text):
        return f"a web page came; is a login page of the network (captive portal) or a proxy on the way? {quoted(text)}"
    return ""


def _objects(said: Any, depth: int) -> Iterator[dict[str, Any]]:
    """An object and those in it, their names in small letters."""
    if isinstance(said, dict) and depth:
        yield {str(name).lower(): value for name, value in said.items()}
        for name, value in said.items():
            if name != WEATHER:
                yield from _objects(value, depth - 1)


def _denied(said: dict[str, Any], rows: int) -> str:
    for name in _YES_OR_NO:
        if name in said and (said[name] in (False, 0) or str(said[name]).lower() in _NO):
            return f"it says {quoted(f'{name}: {said[name]}')}"
    for name in ("status", "result", "state"):
        if str(said.get(name)).lower() in _NO:
            return f"it says {quoted(f'{name}: {said[name]}')}"
    error = said.get("error")
    if error and str(error).lower() not in _NO_ERROR:
        return f"it says {quoted(f'error: {error}')}"
    for name in _REFUSED:
        if said.get(name):
            return f"it says {quoted(f'{name}: {said[name]}')}"
    counts = [said[name] for name in _TAKEN if isinstance(said.get(name), int) and not isinstance(said[name], bool)]
    if counts and rows not in (*counts, sum(counts)):
        return f"it speaks of {' and '.join(map(str, counts))} rows, {rows} were sent"
    return ""
