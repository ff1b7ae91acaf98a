"""SIGTERM, SIGINT and SIGHUP as an event that is set, whatever the process is doing.

A handler written in Python must not set the event itself: it runs between two steps of the main thread, which may
just then hold the event's own lock, and would wait for it for ever. So the interpreter's C code writes the signal
into a pipe, and a thread of its own reads it there.
"""

import os
import signal
import threading
import time

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_on_signals() -> None:
    """Until `stop_on_signals` takes over, these signals end the process at once, with exit code 0.

    The first thing that a process does: what it loads next can take a second, and nothing has been touched by then.
    """
    for number in _NUMBERS:
        signal.signal(number, lambda _number, _frame: os._exit(0))


def stop_on_signals(last_word_s: float | None = None) -> threading.Event:
    """An event that the first of these signals sets; to be called once, in the main thread.

    Args:
        last_word_s: real seconds after the signal when the process is ended with exit code 0 if it still runs;
            None: it takes the time that it needs.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _NUMBERS:
        signal.signal(number, lambda _number, _frame: None)  # neither ignored nor deadly: it reaches the pipe

    def watch() -> None:
        os.read(reader, 1)
        stop.set()
        if last_word_s is not None:
            time.sleep(last_word_s)
            os._exit(0)

    threading.Thread(target=watch, name="signals", daemon=True).start()
    return stop
