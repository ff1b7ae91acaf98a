"""Numbers as meters write them: as text, or as packed decimal digits."""

import re

from common.errors import FrameRefused

# With an exponent, as some instruments write; no other letters: "nan" and "inf" are no values.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?:[eE][+-]?[0-9]{1,2})?")
_NOTHING = re.compile(r"[-+*?/.:#_ A-Za-z]*")  # in place of a value: nothing, ----, null, ERR, nan
_SIGN_BEFORE = re.compile(r"([+-]) +(.+)")
_SIGN_BEHIND = re.compile(r"([0-9.x]+) *([+-])")
_MINUS = "f"  # in place of the first digit


def of_text(text: str, decimal: str) -> float | None:
    """A number; None if something stands in its place that says that there is none.

    Raises:
        FrameRefused: it is damaged.
    """
    if decimal == ",":
        text = text.replace(".", "x").replace(",", ".")
    if _NUMBER.fullmatch(text):
        return float(text)
    if _NOTHING.fullmatch(text):
        return None
    text = _SIGN_BEHIND.sub(r"\2\1", text) if text[-1] in "+-" else _SIGN_BEFORE.sub(r"\1\2", text)
    if not _NUMBER.fullmatch(text):
        raise FrameRefused("number")
    return float(text)


def of_packed(raw: bytes, first: str) -> float | None:
    """Two decimal digits in each byte; `first`: the byte that comes first. None if there are none, or all are F.

    Raises:
        FrameRefused: it has other digits than 0 to 9, and F for a minus in front.
    """
    digits = (raw if first == "high" else raw[::-1]).hex()
    if not digits.strip(_MINUS):
        return None
    sign = "-" if digits[0] == _MINUS else ""
    digits = digits[len(sign) :]
    if not digits.isdecimal():
        raise FrameRefused("number")
    return float(sign + digits)
