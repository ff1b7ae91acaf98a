"""What hydrolog-server does: keep batches in the database and show the page, or pass them on to a cluster."""

from common.runner import Context, Worker


def worker(context: Context) -> Worker:
    """The worker that `receiver.into` names; the other's libraries are not loaded.

    Raises:
        SettingsError: something that it needs is missing or wrong.
    """
    if context.settings.receiver.into == "log":
        from server.front import Front  # noqa: PLC0415

        return Front(context)
    from server.receiver import Receiver  # noqa: PLC0415

    return Receiver(context)
