"""Log lines that strangers can cause: limited, so that they neither fill the disk nor push out what matters."""

import logging

from common.logging_setup import MOST_LINES, Limit

LINES = MOST_LINES  # of one event in one window; more say nothing new
WINDOW_S = 60.0


class LogLimit(Limit):
    """For lines of every level."""

    window_s, least, word = WINDOW_S, logging.NOTSET, "left_out_before"


def limit_log() -> None:
    """Limit what this process logs; safe to repeat."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, LogLimit) for known in handler.filters):
            handler.addFilter(LogLimit())
