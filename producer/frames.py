"""Bytes from the line to frames: whatever stands between a ``$`` and the end of its line.

The buffer is bounded, so a line that carries only noise costs no memory. A frame that lost its end does not take the
next one with it: the last ``$`` of a line starts the frame, because no frame contains a second one.
"""

from collections import Counter

LONGEST_FRAME = 128  # bytes; the longest frame that the grammar allows has 101
_START = b"$"
_END = b"\n"


class Framer:
    """Cuts a stream of bytes into frames; `refused` counts what was no frame, by reason."""

    def __init__(self, refused: Counter[str]) -> None:
        self._refused = refused
        self._rest = b""
        self._kept = b""
        self._first = True

    @property
    def rest(self) -> bytes:
        """The beginning of a frame whose end has not come yet."""
        return self._rest

    def keep(self, rest: bytes) -> None:
        """What a stop left of a frame: its end may still wait in the port."""
        self._kept = rest[-LONGEST_FRAME:]

    def restart(self) -> None:
        """The line was opened anew: what comes first may be the end of a frame, and nobody's fault."""
        self._rest, self._kept, self._first = self._kept, b"", True

    def lines(self, chunk: bytes) -> bytes:
        """The whole lines that `chunk` completes; what is left begins the next."""
        text = self._rest + chunk
        end = text.rfind(_END) + 1
        rest = text[end:]
        self._rest = rest if len(rest) <= LONGEST_FRAME else self._cut(rest)
        return text[:end]

    def frames(self, text: bytes) -> list[bytes]:
        """What may be a frame in a piece of text, from its ``$`` to before its line end; the rest is noise."""
        frames = []
        for line in text.split(_END):
            start = line.rfind(_START)
            if start:
                self._count_noise(line[:start] if start > 0 else line)
            if start >= 0:
                frames.append(line[start:].rstrip(b"\r"))
            self._first = False
        return frames

    def good(self) -> None:
        """A frame was found without the help of `frames`: whatever comes now is not the end of an older one."""
        self._first = False

    def _count_noise(self, text: bytes) -> None:
        if text.strip() and not self._first:
            self._refused["noise"] += 1

    def _cut(self, rest: bytes) -> bytes:
        """The part of an endless line that may still become a frame."""
        self._refused["noise"] += 1
        start = rest.rfind(_START, len(rest) - LONGEST_FRAME)
        return rest[start:] if start >= 0 else b""
