"""Sending messages: one short-lived child process per message, with a deadline."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from common.errors import SettingsError
from common.settings_alerts import AlertsSettings, Person
from messengers.addresses import AlertAddress, everyone, in_thread, kind, names, patient
from messengers.message import Attachment, Message

KEY = "alerts.urls"
DEADLINE_S = 40.0  # real seconds: the library takes one or two to start, a slow mail server ten
LOOK_S = 0.1  # real seconds between two checks whether the process should stop
WITH_PICTURE = ("mailto", "mailtos", "slack", "discord", "tgram", "matrix", "matrixs", "ntfy", "ntfys", "pover")
WITH_FILES = ("mailto", "mailtos", "slack", "discord", "tgram", "matrix", "matrixs")


class Receipt(NamedTuple):
    """What outlives the caller, who may be killed while a message is accepted.

    Attributes:
        path: of a file that is there once the message is accepted.
        lock: a locked descriptor, which the child keeps open until it ends.
    """

    path: Path
    lock: int

    @property
    def prepared(self) -> Path:
        """A file that the child only has to rename: a full disk shows before the message is sent."""
        return self.path.with_name(f"{self.path.name}.part")


class Messengers:
    """The recipients in the settings. Addresses are never logged; messages show "alerts.urls 2 (mailto)"."""

    def __init__(self, alerts: AlertsSettings, stop: threading.Event, deadline_s: float = DEADLINE_S) -> None:
        whole = everyone(alerts)
        self._addresses: dict[str, AlertAddress] = {}
        for name, address in zip(names([address.owner for address in whole]), whole, strict=True):
            self._addresses.setdefault(name, address)  # of a recipient listed twice, the first counts
        self._stop, self._deadline_s = stop, deadline_s

    @property
    def people(self) -> dict[str, Person]:
        """Name of a recipient, which stays the same for ever -> the settings for it; a recipient listed twice once."""
        return {name: address.person for name, address in self._addresses.items()}

    def check(self) -> None:
        """Check the addresses without sending anything.

        Raises:
            SettingsError: there is none, one cannot be parsed, or the library is not installed.
        """
        if not self._addresses:
            raise SettingsError(KEY, "is empty; name the addresses for alarms, see docs/operators/alerts.md")
        addresses = [*self._addresses.values()]
        answer = self._ask({"urls": [address.url for address in addresses]})
        if missing := answer.get("missing"):
            raise SettingsError(KEY, f"alarms need the library {missing}: pip install 'hydrolog[alerts]'")
        for address, problem in zip(addresses, answer.get("results", ()), strict=False):
            if problem:
                key, _, number = address.name.partition(" ")
                raise SettingsError(key, f"number {number} {problem}")

    def takes_files(self, name: str) -> bool:
        """Whether a recipient's service takes files of any kind."""
        return kind(self._addresses[name].url) in WITH_FILES

    def send(self, name: str, message: Message, receipt: Receipt | None = None) -> str:
        """Send to one recipient; returns "" if it was accepted, else the error without secrets.

        Raises:
            OSError: the receipt cannot be prepared; nothing was sent.
        """
        url = self._addresses[name].url
        files = [*message.files] if self.takes_files(name) else []
        if message.picture and kind(url) in WITH_PICTURE:
            files.append(Attachment("chart.png", "image/png", message.picture))
        if receipt:
            receipt.prepared.touch()
        order = {
            "urls": [in_thread(patient(url) if files else url, message.thread)],
            "title": message.title,
            "body": message.body,
            "colour": message.colour,
            "files": [(file.name, file.kind, base64.b64encode(file.content).decode()) for file in files],
            "receipt": [str(receipt.prepared), str(receipt.path)] if receipt else [],
        }
        answer = self._ask(order, (receipt.lock,) if receipt else ())
        if "results" in answer:
            return str(answer["results"][0])
        return str(answer.get("problem") or f"the library failed: {answer.get('missing') or answer.get('defect')}")

    def shown(self, name: str) -> str:
        """The recipient for people, without secrets."""
        return self._addresses[name].name

    def _ask(self, order: Mapping[str, Any], kept: tuple[int, ...] = ()) -> dict[str, Any]:
        # A file in memory: a pipe takes 64 KiB at once, and nobody would write the rest if this process is killed.
        with os.fdopen(os.memfd_create("order"), "w+b") as told:
            told.write(json.dumps(order).encode())
            told.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "messengers.child"],
                stdin=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=kept,
                process_group=0,  # Ctrl-C goes to this process, which ends the child
            )
        give_up_s = time.monotonic() + self._deadline_s
        while True:
            try:
                out, _ = child.communicate(timeout=LOOK_S)
                break
            except subprocess.TimeoutExpired:
                if self._stop.is_set() and kept:  # it goes on, and leaves its receipt
                    return {"problem": "this process is stopping"}
                if self._stop.is_set() or time.monotonic() >= give_up_s:
                    child.kill()
                    child.communicate()
                    waited = (
                        "this process is stopping" if self._stop.is_set() else f"no answer in {self._deadline_s:g} s"
                    )
                    return {"problem": waited}
        try:
            answer: dict[str, Any] = json.loads(out)
        except ValueError:
            return {"problem": f"the messenger's process ended with code {child.returncode}"}
        return answer
