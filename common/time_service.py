"""Whether a time service (chrony, systemd-timesyncd, ntpd) keeps this machine's clock. The kernel knows: asking it
needs no privilege, works with every service, and its answer becomes false when somebody sets the clock.
"""

import ctypes

_TIME_ERROR = 5  # ntp_gettime: the clock is not synchronised
_LONGS = 16  # an ntptimeval is nine longs


def in_step() -> bool | None:
    """Whether a time service has synchronised the clock; None if the kernel cannot be asked."""
    try:
        answer = int(ctypes.CDLL(None).ntp_gettime((ctypes.c_long * _LONGS)()))
    except (OSError, AttributeError):  # a C library other than glibc
        return None
    return None if answer < 0 else answer != _TIME_ERROR
