"""The users of the embedded database. The superuser only makes the others, at each start."""

from common import database
from common.database import statement

_SUPERUSER, _OWNER = "//postgres@", "//hydrolog@"


def prepare(superuser: str) -> str:
    """Make the users and the tables; returns the address for all processes.

    Raises:
        DatabaseDown: no answer.
    """
    owner = superuser.replace(_SUPERUSER, _OWNER, 1)
    with database.connect(superuser, "users") as connection:
        connection.execute(statement("database_roles"))
    database.update_schema(owner)
    with database.connect(owner, "users") as connection:
        connection.execute(statement("database_grants"))
    return owner
