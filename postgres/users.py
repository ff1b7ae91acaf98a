"""The users of the embedded database. The superuser only makes the others, at each start."""

import threading

from common import database
from common.database import statement

_SUPERUSER, _OWNER = "//postgres@", "//hydrolog@"


def prepare(superuser: str, site: str, stop: threading.Event) -> str:
    """Make the users and the tables; returns the address for all processes. `site`: of rows that have none yet.

    Raises:
        DatabaseDown: no answer, or the tables cannot be brought to this version.
        Stopped: `stop` was set.
    """
    owner = superuser.replace(_SUPERUSER, _OWNER, 1)
    with database.connect(superuser, "users") as connection:
        connection.execute(statement("database_roles"))
    database.update_schema(owner, site, stop)
    with database.connect(owner, "users") as connection:
        connection.execute(statement("database_grants"))
    return owner
