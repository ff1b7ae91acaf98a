"""Does a time service (chrony, systemd-timesyncd, ntpd) keep this machine's clock? The kernel is asked: it needs no
privilege, knows every service, and forgets that the clock was right whenever somebody sets it.
"""

import ctypes

_TIME_ERROR = 5  # ntp_gettime: nobody keeps the clock
_LONGS = 16  # an ntptimeval is nine longs


def in_step() -> bool | None:
    """Whether a time service says that the clock is right; None where the kernel cannot be asked."""
    try:
        answer = int(ctypes.CDLL(None).ntp_gettime((ctypes.c_long * _LONGS)()))
    except (OSError, AttributeError):  # another C library than glibc
        return None
    return None if answer < 0 else answer != _TIME_ERROR
