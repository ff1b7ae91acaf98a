"""Opening off the step: what takes long, what fails, and what nobody waits for any more."""

import threading

import pytest

from common.errors import PortError
from producer.opening import Opening

LONG_S = 30.0  # only a broken product waits for that


class SlowPort:
    """Opens when the test says so."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go_on, self.closed = threading.Event(), threading.Event()
        self._error = error

    def open(self) -> None:
        assert self.go_on.wait(LONG_S)
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed.set()


def test_an_attempt_that_takes_long_is_waited_for_in_pieces() -> None:
    port = SlowPort()
    opening = Opening(port)
    assert not opening.wait(0)
    assert not opening.wait(0)
    assert opening.waits == 2
    port.go_on.set()
    assert opening.wait(LONG_S)
    assert not port.closed.is_set()


@pytest.mark.parametrize("error", [PortError("no such device"), NotImplementedError("a defect")])
def test_a_failure_is_told_to_whoever_waits(error: Exception) -> None:
    port = SlowPort(error)
    opening = Opening(port)
    port.go_on.set()
    with pytest.raises(type(error), match=str(error)):
        opening.wait(LONG_S)


@pytest.mark.parametrize("open_already", [True, False])
def test_a_port_that_nobody_wants_any_more_is_closed(open_already: bool) -> None:
    port = SlowPort()
    opening = Opening(port)
    if open_already:
        port.go_on.set()
        assert opening.wait(LONG_S)
    opening.abandon()
    assert port.closed.is_set() is open_already
    port.go_on.set()
    assert port.closed.wait(LONG_S)
