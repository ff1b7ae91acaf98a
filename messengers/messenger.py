"""Sending messages: one short-lived child process per message, with a deadline."""

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from common.errors import SettingsError
from common.settings_alerts import AlertsSettings, Person
from messengers.addresses import AlertAddress, everyone, in_thread, kind, names
from messengers.message import Message

KEY = "alerts.urls"
DEADLINE_S = 40.0  # real seconds: the library takes one or two to start, a slow mail server ten
LOOK_S = 0.1  # real seconds between two checks whether the process should stop
WITH_PICTURE = ("mailto", "mailtos", "slack", "discord", "tgram", "matrix", "matrixs", "ntfy", "ntfys", "pover")


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

    def send(self, name: str, message: Message) -> str:
        """Send to one recipient; returns "" if it was accepted, else the error without secrets."""
        url = self._addresses[name].url
        picture = message.picture if kind(url) in WITH_PICTURE else b""
        order = {
            "urls": [in_thread(url, message.thread)],
            "title": message.title,
            "body": message.body,
            "colour": message.colour,
            "picture": base64.b64encode(picture).decode(),
        }
        answer = self._ask(order)
        if "results" in answer:
            return str(answer["results"][0])
        return str(answer.get("problem") or f"the library failed: {answer.get('missing') or answer.get('defect')}")

    def shown(self, name: str) -> str:
        """The recipient for people, without secrets."""
        return self._addresses[name].name

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "messengers.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C goes to this process, which ends the child
        )
        give_up_s = time.monotonic() + self._deadline_s
        text: bytes | None = json.dumps(order).encode()
        while True:
            try:
                out, _ = child.communicate(text, timeout=LOOK_S)
                break
            except subprocess.TimeoutExpired:
                text = None  # already sent
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
