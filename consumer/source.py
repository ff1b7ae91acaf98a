"""One group's end of the log, as every consumer holds it. Opened at the first step: the log may not be there yet."""

from collections.abc import Callable

from common.errors import HydrologError, SettingsError
from common.settings import Settings
from log.roles import Group, Log, open_for


class LogSource:
    """`log` and `group` are there once `open` has returned."""

    log: Log
    group: Group

    def __init__(self, settings: Settings, name: str) -> None:
        """Nothing is opened yet.

        Raises:
            SettingsError: the group is not in `log.groups`.
        """
        if name not in settings.log.groups:
            raise SettingsError("log.groups", f'does not name "{name}", so the log would not keep its rows')
        self._settings = settings
        self._name = name
        self._is_open = False

    def open(self, prepare: Callable[[Log, Group], None] | None = None) -> None:
        """Open the log, if it is not; `prepare` then reads what goes with it.

        Raises:
            HydrologError: it cannot be opened or prepared; the next call tries again from the start.
        """
        if self._is_open:
            return
        log = open_for(self._settings)
        try:
            group = log.group(self._name)
            if prepare is not None:
                prepare(log, group)
            log.trim()  # a process that was killed after its last commit had no time for it
        except HydrologError:
            log.close()
            raise
        self.log, self.group, self._is_open = log, group, True

    def rewind(self) -> None:
        """Read from the commit on, where the last step did not get as far as its commit."""
        if self.group.position != self.group.committed:
            self.group.seek(self.group.committed)

    def close(self) -> None:
        if self._is_open:
            self.group.close()
            self.log.close()
            self._is_open = False
