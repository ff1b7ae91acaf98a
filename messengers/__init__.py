"""Messengers: mail, chat and webhooks that tell people. Used by the group `alerts` and by the server."""
