"""Who a person is to the page, and what the role allows."""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """Each may do what those before it may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is written in commands, forms and files."""
        return self.name.lower()


class User(NamedTuple):
    """Somebody who is logged in. `reads_in`: the language and the units, as far as they were chosen."""

    name: str
    role: Role
    reads_in: Mapping[str, str]


ROLES = {role.word: role for role in Role}
