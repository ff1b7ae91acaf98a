"""The form of the verdict's words."""

from typing import NamedTuple

ENGLISH, KOREAN = "en", "ko"


class Words(NamedTuple):
    """`word` is readable from two metres; `detail` in fragments; `todo` is what to do, empty if nothing is."""

    word: str
    detail: tuple[str, ...] = ()
    todo: str = ""
