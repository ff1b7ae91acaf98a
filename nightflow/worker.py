"""Which nights this process writes: those of its box, or those of all sites of a center."""

from common.runner import Context, Worker


def build(context: Context) -> Worker:
    """The worker for the runner.

    Raises:
        SettingsError: the times in [night] do not define a night.
    """
    if context.settings.is_center:
        from nightflow.all_sites import AllSites  # noqa: PLC0415 - a box has no use for it

        return AllSites(context)
    from nightflow.step import NightFlow  # noqa: PLC0415 - nor a center for this

    return NightFlow(context)
