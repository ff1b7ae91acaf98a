"""Who may see the page and who may act: users, sessions, forms that only the page itself can send."""

from server.access.guard import Guard, may, needs
from server.access.roles import Role, User

__all__ = ["Guard", "Role", "User", "may", "needs"]
