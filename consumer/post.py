"""One POST: a complete answer or none, within one deadline, and only to the configured address."""

import threading
import time
from dataclasses import replace

from common.batch_mark import HEADER, BatchMark, to_header
from common.exchange import Exchange
from common.http_answer import HttpAnswer
from common.version import NAME, version
from common.web_address import WebAddress

LOOK_S = 0.05  # how often a wait checks the stop event
CUT_S = 2.0  # a thread whose connection was closed ends within this; a name lookup may take longer

HIDDEN = "[token]"  # in its place


class Poster:
    """Sends batches to one address. `post` blocks for at most `timeout_s` or until `stop` is set."""

    def __init__(self, address: WebAddress, timeout_s: float, stop: threading.Event) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._stop = stop
        self._exchange: Exchange | None = None

    def post(self, body: bytes, key: str, token: str, mark: BatchMark | None = None) -> HttpAnswer:
        """Send one batch; returns the answer with its body as it came, to be shown or kept only `without` the token. If
        `stop` is set meanwhile there is no answer."""
        if self._exchange is not None and not self._exchange.left_within(CUT_S):
            return HttpAnswer(None, "the attempt before this one has not ended yet")
        headers = [
            ("Content-Type", "text/tab-separated-values; charset=utf-8"),
            ("Authorization", f"Bearer {token}"),
            ("Idempotency-Key", key),
            ("User-Agent", f"{NAME}/{version()}"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        if mark is not None:
            headers.append((HEADER, to_header(mark)))
        self._exchange = Exchange(self._address, self._timeout_s, body, headers)
        self._exchange.start()
        if self._ended_in_time(self._exchange):
            answer = self._exchange.answer
            return replace(answer, problem=answer.problem.replace(token, HIDDEN))
        self._exchange.cut()
        if self._stop.is_set():
            return HttpAnswer(None, "this process was asked to stop")
        return HttpAnswer(None, f"not complete within {self._timeout_s:g} s")

    def _ended_in_time(self, exchange: Exchange) -> bool:
        deadline_s = time.monotonic() + self._timeout_s
        while not exchange.ended.wait(LOOK_S):
            if self._stop.is_set() or time.monotonic() >= deadline_s:
                return False
        return True


def without(token: str, answer: HttpAnswer) -> HttpAnswer:
    """The answer without our token, in case the server returns it.

    Judge it before: the token may be a part of a word.
    """
    return replace(answer, body=answer.body.replace(token.encode(), HIDDEN.encode()))
