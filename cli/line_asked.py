"""``hydrolog line test`` for meters that are asked in text: each question, what came, and what it means."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.line_door import tell
from cli.line_frames import KEPT, Frames
from cli.shell import say
from common.logging_setup import quoted
from common.settings import Settings

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.ascii import Reading
    from producer.asking import NoReading


class AskedFrames(Frames):
    """The ear: it asks as the producer does."""

    def __init__(self, settings: Settings, show: Callable[["Reading"], None]) -> None:
        from producer.asking import Asking

        super().__init__(settings, show)
        self._said: Counter[str] = Counter()  # refusals that were told with their meter
        self._asking = Asking(settings.line, self._told, self.door.refused, self.door.time, self._zone)

    def ask(self, monotonic_s: float) -> bytes:
        """The question to send now."""
        if question := self._asking.ask(monotonic_s):
            say(f"  asked    {quoted(question)}")
        return question

    def closed(self, *, sent: bool) -> None:
        """The other end closed the connection; it is opened again."""
        self._asking.restart(sent=sent)

    def hear(self, chunk: bytes, monotonic_s: float) -> None:
        """Print the meaning of the bytes."""
        self._raw = (self._raw + chunk)[-KEPT:]
        if chunk:
            say(f"  came     {quoted(chunk)}")
        before, self._said = Counter(self.door.refused), Counter()
        self._asking.take(chunk, monotonic_s)
        readings, self._asking.readings = self._asking.readings, []
        for reading in readings:
            self.door.take(reading, before)
        if not readings:
            tell(self.door.refused - before - self._said)

    def _told(self, told: "NoReading") -> None:
        self.door.refused[told.reason] += 1
        self._said[told.reason] += 1
        say(f"  refused  {told.reason}: {told.place}: {told.problem}")

    def conclusion(self, heard: int) -> str:
        """What was seen, and what to do."""
        return super().conclusion(heard) or self._asking.problem
