"""Sending messages: one short-lived child process per message, with a deadline."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import SettingsError
from consumer.alerts.addresses import recipients
from consumer.alerts.state import kind
from consumer.alerts.text import Message

KEY = "alerts.urls"
DEADLINE_S = 40.0  # real seconds: the library takes one or two to start, a slow mail server ten
LOOK_S = 0.1  # real seconds between two checks whether the process should stop


class Messengers:
    """The recipients in the settings. They are never logged; messages show "alerts.urls 2 (mailto)"."""

    def __init__(self, urls: Sequence[str], stop: threading.Event, deadline_s: float = DEADLINE_S) -> None:
        self._addresses, self._stop, self._deadline_s = recipients(urls), stop, deadline_s

    def __len__(self) -> int:
        return len(self._addresses)

    @property
    def owners(self) -> list[str]:
        """The recipients' identities, in the order of the indices for `send` and `name`."""
        return [address.owner for address in self._addresses]

    def check(self) -> None:
        """Check the addresses without sending anything.

        Raises:
            SettingsError: there is none, one cannot be parsed, or the library is not installed.
        """
        if not self._addresses:
            raise SettingsError(KEY, "is empty; name the addresses for alarms, see docs/operators/alerts.md")
        answer = self._ask({"urls": [address.url for address in self._addresses]})
        if missing := answer.get("missing"):
            raise SettingsError(KEY, f"alarms need the library {missing}: pip install 'hydrolog[alerts]'")
        for place, problem in enumerate(answer.get("results", ())):
            if problem:
                raise SettingsError(KEY, f"number {self.name(place).removeprefix(KEY).strip()} {problem}")

    def send(self, place: int, message: Message) -> str:
        """Send to one address; returns "" if it was accepted, else the error without secrets."""
        order = {
            "urls": [self._addresses[place].url],
            "title": message.title,
            "body": message.body,
            "colour": message.colour,
        }
        answer = self._ask(order)
        if "results" in answer:
            return str(answer["results"][0])
        return str(answer.get("problem") or f"the library failed: {answer.get('missing') or answer.get('defect')}")

    def name(self, place: int) -> str:
        address = self._addresses[place]
        part = f" recipient {address.part}" if address.part else ""
        return f"{KEY} {address.place} ({kind(address.url)}){part}"

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "consumer.alerts.child"],
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
