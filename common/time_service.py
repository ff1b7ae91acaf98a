"""Whether a time service (chrony, systemd-timesyncd, ntpd) keeps this machine's clock. The kernel knows: asking it
needs no privilege, works with every service, and its answer becomes false when somebody sets the clock. And which start
of the machine this is: what was known of the clock before it counts no more.
"""

import ctypes
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_UNITS = Path("/run/systemd/units")  # a link for each unit that is active
_SERVICES = ("chrony", "chronyd", "systemd-timesyncd", "ntp", "ntpd", "ntpsec", "openntpd")
_TIME_ERROR = 5  # ntp_gettime: the clock is not synchronised
_LONGS = 16  # an ntptimeval is nine longs


def installed() -> bool:
    """Whether a time service runs, as systemd says: it may put the clock right, now or later."""
    return any((_UNITS / f"invocation:{name}.service").is_symlink() for name in _SERVICES)


def in_step() -> bool | None:
    """Whether a time service has synchronised the clock; None if the kernel cannot be asked."""
    try:
        answer = int(ctypes.CDLL(None).ntp_gettime((ctypes.c_long * _LONGS)()))
    except (OSError, AttributeError):  # a C library other than glibc
        return None
    return None if answer < 0 else answer != _TIME_ERROR


def boot_id() -> str:
    """Another text after each start of the machine; empty if the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
