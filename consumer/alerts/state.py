"""`alerts_state.json`: the active events of the box, and what was told and is still to be told to each address.

It is written after a message is accepted and before the rows are committed. If the process is killed between acceptance
and writing, the same news are sent again with the same ids; at any other instant nothing is sent twice.
"""

from dataclasses import dataclass, field
from pathlib import Path

from common import state_file
from common.errors import LogError
from common.folder import ALERTS_STATE_FILE
from common.logging_setup import quoted
from consumer.alerts.box import METHOD
from consumer.alerts.events import AlertEvent
from consumer.alerts.pending import Queue


@dataclass(slots=True)
class AlertState:
    """The state that survives a restart.

    Attributes:
        up: the events of the box that are up.
        queues: name of the address -> its queue.
    """

    up: list[AlertEvent] = field(default_factory=list)
    queues: dict[str, Queue] = field(default_factory=dict)


def load(data: Path) -> AlertState:
    """The state in a data folder; a new one if it is missing or unreadable."""
    state = state_file.load(data / ALERTS_STATE_FILE, AlertState) or AlertState()
    # A version without incidents kept events of sensors. Incidents take their place; ends that wait are still told.
    state.up = [event for event in state.up if event.method == METHOD]
    for queue in state.queues.values():
        kept = (event for event in queue.waiting.values() if event.method == METHOD or event.cleared is not None)
        queue.waiting = {event.id: event for event in kept}
    return state


def store(data: Path, state: AlertState) -> None:
    """Replace the file, durably.

    Raises:
        LogError: the disk refuses; the old state is unchanged.
    """
    try:
        state_file.store(data / ALERTS_STATE_FILE, state)
    except OSError as error:
        raise LogError(f"cannot keep what was told: {quoted(error)}") from error
