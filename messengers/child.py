"""The sender process: only it imports apprise. It sends one message, reports the result, and ends.

So the consumer stays small, and a sender that hangs can be killed. The addresses come on standard input, not on the
command line, which every user can read. All parts of addresses are removed from the library's error messages before
they leave this process.
"""

import base64
import json
import logging
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from common.files import sync_folder
from common.logging_setup import quoted

SHORTEST_SECRET = 3  # characters: removing shorter parts would hide ordinary words
# Schemes followed by a host and not a token.
HOSTED = {"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos"}
NOT_UNDERSTOOD = "is not an address that the library understands"


class Heard(logging.Handler):
    """Collects the library's warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def secrets(url: str) -> list[str]:
    """All secret parts of an address, longest first, as written and decoded."""
    scheme, _, rest = url.partition("://")
    keys = {key.lower() for key in re.findall(r"[?&]([^=&]+)=", rest)}  # "to" and "from" are not secret
    parts = {url, rest, *(part for part in re.split(r"[/:@?&=#,;\s]+", rest) if part.lower() not in keys)}
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if scheme.lower() in HOSTED:
        parts -= {part for part in parts if f".{host}".endswith(f".{part.lower()}") and "." in part}
    parts |= {unquote(part) for part in parts}
    return sorted((part for part in parts if len(part) >= SHORTEST_SECRET), key=len, reverse=True)


def scrubbed(text: str, urls: Iterable[str]) -> str:
    """The text without any part of the addresses, made harmless."""
    text = re.sub(r"\S*://\S*", "***", text)  # the library shortens addresses but shows their first letters
    for secret in sorted({part for url in urls for part in secrets(url)}, key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return quoted(text)[1:-1]


def deliver(order: dict[str, Any]) -> list[str]:
    """The error for each address, "" for none. Without a "body" the addresses are only checked."""
    from apprise import Apprise, AppriseAsset, NotifyFormat  # noqa: PLC0415 - optional, and slow

    heard = Heard()
    library = logging.getLogger("apprise")
    library.handlers[:], library.propagate = [heard], False
    library.setLevel(logging.WARNING)
    asset = AppriseAsset(
        app_id="hydrolog",
        app_desc="hydrolog",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        storage_mode="memory",
        http_redirects=False,  # a redirected POST becomes a GET, whose 200 is no delivery
    )
    results = []
    for url in order["urls"]:
        heard.said.clear()
        messenger = Apprise(asset=asset)
        if not messenger.add(url) or len(messenger) != 1:
            said = scrubbed("; ".join(heard.said), order["urls"])
            results.append(f"{NOT_UNDERSTOOD}: {said}" if said else NOT_UNDERSTOOD)
        elif "body" not in order or messenger.notify(
            body=order["body"],
            title=order["title"],
            notify_type=order["colour"],
            body_format=NotifyFormat.TEXT,
            attach=_attached(order["files"]),
        ):
            results.append("")
        else:
            results.append(scrubbed("; ".join(heard.said) or "did not take it", order["urls"]))
    return results


def _attached(files: list[tuple[str, str, str]]) -> Any:
    """Files as attachments of the library; None if there is none."""
    if not files:
        return None
    from apprise.attachment.memory import AttachMemory  # noqa: PLC0415 - as above

    return [
        AttachMemory(content=base64.b64decode(encoded), name=name, mimetype=kind)  # type: ignore[no-untyped-call]
        for name, kind, encoded in files
    ]


def _rename(prepared: Path, receipt: Path) -> None:
    prepared.replace(receipt)
    sync_folder(receipt.parent)


def main() -> int:
    """Reads an order as JSON on standard input and writes the answer as JSON on standard output."""
    order = json.loads(sys.stdin.buffer.read())
    out, sys.stdout = sys.stdout, sys.stderr  # keeps a plugin's output out of the answer
    try:
        answer: dict[str, Any] = {"results": deliver(order)}
        if order.get("receipt") and answer["results"] == [""]:
            _rename(*map(Path, order["receipt"]))
    except ModuleNotFoundError as error:
        answer = {"missing": str(error.name)}
    except Exception as error:  # noqa: BLE001 - a plugin's bug: its text may contain an address
        answer = {"defect": type(error).__name__}
    out.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
