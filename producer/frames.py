"""Bytes from the line to frames: the text between a start mark (``$``) and the end of its line.

The buffer is bounded, so a line with only noise costs no memory. A frame that lost its end does not spoil the next one:
the last start mark of a line starts the frame, because no frame contains a second one. Without start marks, whole lines
are frames. Then only a line end shows where a frame begins, so the first line after each opening and the rest of an
overlong line may be incomplete and are dropped.
"""

from collections import Counter
from collections.abc import Callable, Iterator

LONGEST_FRAME = 128  # bytes; the longest frame that the ASCII grammar allows has 123


class Framer:
    """Cuts a stream of bytes into frames; `refused` counts everything else, by reason."""

    def __init__(
        self, refused: Counter[str], start: bytes = b"$", end: bytes = b"\n", longest: int = LONGEST_FRAME
    ) -> None:
        self._refused = refused
        self._start = start
        self._end = end
        self._longest = longest
        self._rest = b""
        self._kept = b""
        self._first = True
        self._overlong = False  # without start marks: the bytes up to the next end belong to an overlong line

    @property
    def rest(self) -> bytes:
        """The start of an incomplete frame."""
        return self._rest

    def keep(self, rest: bytes) -> None:
        """Restore an incomplete frame from before a stop: its end may still wait in the port."""
        if self._start:
            self._kept = rest[-self._longest :]

    def restart(self) -> None:
        """The line was reopened: the first bytes may be the end of a frame and are not counted as refused."""
        self._rest, self._kept, self._first = self._kept, b"", True
        self._overlong = False

    def lines(self, chunk: bytes) -> bytes:
        """The complete lines after adding `chunk`; the rest starts the next line."""
        text = self._rest + chunk
        if self._overlong:
            _, end, text_after = text.partition(self._end)
            text, self._overlong = (text_after, False) if end else (text, True)
        place = text.rfind(self._end)
        end_of_lines = place + len(self._end) if place >= 0 else 0
        rest = text[end_of_lines:]
        self._rest = rest if len(rest) <= self._longest and not self._overlong else self._cut(rest)
        return text[:end_of_lines]

    def frames(self, text: bytes) -> list[bytes]:
        """The possible frames in a piece of text, from start mark to before the line end; the rest is noise."""
        frames = []
        for line in text.split(self._end):
            start = line.rfind(self._start) if self._start else 0 if line.strip() and not self._first else -1
            if start:
                self._count_noise(line[:start] if start > 0 else line)
            if start >= 0:
                frames.append(line[start:].rstrip(b"\r"))
            self._first = False
        return frames

    def good(self) -> None:
        """A frame was found without `frames`: the next bytes are not the end of an older one."""
        self._first = False

    def _count_noise(self, text: bytes) -> None:
        if len(text.strip()) > 1 and not self._first:  # one byte may be a check byte that nobody described
            self._refused["noise"] += 1

    def _cut(self, rest: bytes) -> bytes:
        """The part of an endless line that may still become a frame or end the line."""
        if self._start:
            self._refused["noise"] += 1
            start = rest.rfind(self._start, len(rest) - self._longest)
            return rest[start:] if start >= 0 else b""
        if not self._overlong:
            self._refused["long"] += 1
            self._overlong = True
        return rest[len(rest) - len(self._end) + 1 :]


class CheckByteFramer(Framer):
    """Frames with a raw check byte behind their end, which may be any byte, also a mark: start body end check."""

    def __init__(self, refused: Counter[str], start: bytes, end: bytes, longest: int) -> None:
        """`start` must not be empty: only it shows where a frame begins."""
        super().__init__(refused, start, end, longest)
        self.tail = len(end) + 1

    def lines(self, chunk: bytes) -> bytes:
        """The complete frames after adding `chunk`, and what is between them; the rest starts the next one."""
        text = self._rest + chunk
        place = max((stop for _, stop in self._cuts(text)), default=0)
        rest = text[place:]
        self._rest = rest if len(rest) <= self._longest else self._cut(rest)
        return text[:place]

    def frames(self, text: bytes) -> list[bytes]:
        """The frames from start mark to check byte; the rest is noise."""
        frames, place = [], 0
        for start, stop in self._cuts(text):
            self._count_noise(text[place:start])
            frames.append(text[start:stop])
            place, self._first = stop, False
        self._count_noise(text[place:])
        return frames

    def _cuts(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Where each frame starts and stops. An end mark without a start mark before it is noise."""
        place = 0
        while (end := text.find(self._end, place)) >= 0:
            start = text.rfind(self._start, place, end)
            if start < 0:
                place = end + 1
            elif (stop := end + self.tail) <= len(text):
                yield start, stop
                place = stop
            else:
                return


class FixedFramer(Framer):
    """Frames of one length without an end mark: what begins with the start mark and proves to be a frame is one.

    Where there is neither a start mark nor a checksum, the form must prove it alone. Digits have that form wherever one
    begins to read, so then two frames must follow each other, and that must be possible from no other byte.
    """

    def __init__(
        self, refused: Counter[str], start: bytes, length: int, proof: Callable[[bytes], str], *, sure: bool
    ) -> None:
        """`proof`: why bytes are no frame, or nothing; `sure`: whether that is enough for a single one."""
        super().__init__(refused, start, b"", length)
        self._length = length
        self._proof = proof
        self._sure = sure
        self._aligned = False  # the next byte begins a frame

    def restart(self) -> None:
        """The line was reopened."""
        super().restart()
        self._aligned = False

    def good(self) -> None:
        """The next byte begins a frame."""
        super().good()
        self._aligned = True

    def lines(self, chunk: bytes) -> bytes:
        """The complete frames after adding `chunk`; the rest may begin the next one."""
        text = self._rest + chunk
        frames, place, done = [], 0, 0
        while (place := self._candidate(text, place)) + self._length <= len(text):
            frame = text[place : place + self._length]
            if reason := self._proof(frame):
                self._lost(reason)
                place += 1
                continue
            if not (self._sure or self._aligned):
                if len(text) < place + 3 * self._length:
                    break
                if not self._alone(text, place):
                    place += 1
                    continue
            self._count_noise(text[done:place])
            frames.append(frame)
            self._aligned, self._first = True, False
            place = done = place + self._length
        self._count_noise(text[done:place])
        self._rest = text[place:]
        return b"".join(frames)

    def frames(self, text: bytes) -> list[bytes]:
        """The frames in what `lines` returned."""
        return [text[place : place + self._length] for place in range(0, len(text), self._length)]

    def _candidate(self, text: bytes, place: int) -> int:
        """Where the next frame may begin."""
        found = text.find(self._start, place)
        return found if found >= 0 else max(place, len(text) - len(self._start) + 1)

    def _lost(self, reason: str) -> None:
        if (self._start or self._aligned) and not self._first:
            self._refused[reason] += 1
        self._aligned = False

    def _alone(self, text: bytes, place: int) -> bool:
        """Whether frames follow each other from here, and from no other byte before the next one."""
        length = self._length
        pairs = (
            not self._proof(text[begin : begin + length]) and not self._proof(text[begin + length : begin + 2 * length])
            for begin in range(place, place + length)
        )
        return next(pairs) and not any(pairs)
