"""SIGTERM, SIGINT and SIGHUP set an event, whatever the process is doing.

A Python signal handler must not set the event itself: it runs in the main thread, which may hold the event's lock at
that moment, and would deadlock. So the interpreter's C code writes the signal into a pipe, and a separate thread reads
it.
"""

import os
import signal
import threading
import time

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_on_signals() -> None:
    """Until `stop_on_signals` is called, these signals end the process at once, with exit code 0.

    A process does this first: loading modules can take a second, and nothing has been touched by then.
    """
    for number in _NUMBERS:
        signal.signal(number, lambda _number, _frame: os._exit(0))


def stop_on_signals(last_word_s: float | None = None) -> threading.Event:
    """An event that is set by the first of these signals; call it once, in the main thread.

    Args:
        last_word_s: real seconds after the signal until the process is ended with exit code 0; None: no limit.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _NUMBERS:
        signal.signal(number, lambda _number, _frame: None)  # neither ignored nor fatal: the signal reaches the pipe

    def watch() -> None:
        os.read(reader, 1)
        stop.set()
        if last_word_s is not None:
            time.sleep(last_word_s)
            os._exit(0)

    threading.Thread(target=watch, name="signals", daemon=True).start()
    return stop
