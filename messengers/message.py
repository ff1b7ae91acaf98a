"""What a messenger is given."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        colour: failure, warning, info or success; services may show it as a colour.
        thread: messages with the same one belong together; may be empty.
        picture: a PNG; may be empty.
    """

    title: str
    body: str
    colour: str
    thread: str = ""
    picture: bytes = b""
