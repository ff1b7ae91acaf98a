"""What stands around the body of a described frame: its marks and its checksum."""

from collections import Counter
from collections.abc import Callable

from common.errors import FrameRefused
from common.meters import Format
from common.sums import SUMS, exclusive_or
from producer.frames import CheckByteFramer, FixedFramer, Framer


class Envelope:
    """``start body [mark checksum] end``, or ``start body end check-byte``."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._start, self._end = form.start.encode("latin-1"), form.end.encode("latin-1")
        self._mark = form.checksum_mark.encode("latin-1")
        self._sum = SUMS.get(form.checksum)
        self._digits = 2 * self._sum.size if self._sum else 0

    @property
    def overhead(self) -> int:
        """The bytes of a frame before its end mark that are not its body."""
        proof = len(self._mark) + self._digits if self._sum else int(self._form.checksum == "bcc")
        return len(self._start) + proof

    def framer(self, refused: Counter[str], longest: int, proof: Callable[[bytes], str]) -> Framer:
        """The framer that cuts the line into these frames. `proof`: why bytes are no frame, or nothing."""
        if self._form.length:
            sure = bool(self._start) or self._form.checksum != "none"
            return FixedFramer(refused, self._start, self._form.length, proof, sure=sure)
        kind = CheckByteFramer if self._form.checksum == "bcc" else Framer
        return kind(refused, self._start, self._end, longest)

    def body(self, frame: bytes) -> bytes:
        """The body of a frame, from its start mark to before its end, after checking its checksum.

        Raises:
            FrameRefused: the checksum is wrong.
        """
        text = frame[len(self._start) :]
        if self._form.checksum == "bcc":
            return self._checked_by_byte(text)
        if self._sum is None:
            return text
        body, mark, digits = text[: -self._digits - len(self._mark)], self._mark, text[-self._digits :]
        if text != body + mark + digits:
            raise FrameRefused("checksum")
        parts = {"start": self._start, "body": body, "mark": mark}
        covered = b"".join(parts[name] for name in self._form.checksum_covers)
        if digits.upper() != self._sum.text(covered, self._form.checksum_first):
            raise FrameRefused("checksum")
        return body

    def _checked_by_byte(self, text: bytes) -> bytes:
        """The body before the end mark and the check byte: the XOR of both, and of the start mark if it is covered."""
        covered = (self._start if "start" in self._form.checksum_covers else b"") + text[:-1]
        if exclusive_or(covered) != text[-1]:
            raise FrameRefused("checksum")
        return text[: -1 - len(self._end)]
