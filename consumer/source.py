"""A consumer's access to the log. Opened at the first step, because the log may not exist yet."""

from collections.abc import Callable

from common.errors import HydrologError, SettingsError
from common.settings import Settings
from log.roles import Group, Log, needs_file, open_for


class LogSource:
    """`log` and `group` are available after `open`."""

    log: Log
    group: Group

    def __init__(self, settings: Settings, name: str) -> None:
        """Nothing is opened yet.

        Raises:
            SettingsError: the group is not in `log.groups`, or this is not a box.
        """
        needs_file(settings)
        if name not in settings.log.groups:
            raise SettingsError("log.groups", f'does not name "{name}", so the log would not keep its rows')
        self._settings = settings
        self._name = name
        self._is_open = False

    def open(self, prepare: Callable[[Log, Group], None] | None = None) -> None:
        """Open the log if necessary; `prepare` then reads the consumer's other files.

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
            log.trim()  # a process killed after its last commit did not trim
        except HydrologError:
            log.close()
            raise
        self.log, self.group, self._is_open = log, group, True

    def rewind(self) -> None:
        """Read from the commit again if the last step did not commit."""
        if self.group.position != self.group.committed:
            self.group.seek(self.group.committed)

    def close(self) -> None:
        if self._is_open:
            self.group.close()
            self.log.close()
            self._is_open = False
