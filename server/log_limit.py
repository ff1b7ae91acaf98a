"""Log lines that strangers can cause: limited, so that they neither fill the disk nor push out what matters."""

import logging

from common.logging_setup import Limit


class LogLimit(Limit):
    """For lines of every level."""

    window_s, least, word = 60.0, logging.NOTSET, "left_out_before"


def limit_log() -> None:
    """Limit what this process logs; safe to repeat."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, LogLimit) for known in handler.filters):
            handler.addFilter(LogLimit())
