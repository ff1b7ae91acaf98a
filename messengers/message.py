"""What a messenger is given."""

from dataclasses import dataclass
from typing import NamedTuple


class Attachment(NamedTuple):
    """A file; `kind` is its MIME type."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        colour: failure, warning, info or success; services may show it as a colour.
        thread: messages with the same one belong together; may be empty.
        picture: a PNG; may be empty.
        files: for services that `Messengers.takes_files`; the others leave them out.
    """

    title: str
    body: str
    colour: str
    thread: str = ""
    picture: bytes = b""
    files: tuple[Attachment, ...] = ()
