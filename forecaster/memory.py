"""Training asks for and frees the same few large blocks thousands of times; giving each back to the kernel and
asking for it again costs up to half of the CPU time."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's mallopt()
_KEEP_BYTES = 1 << 30


def keep_freed() -> None:
    """Have the C library keep freed memory for the next block. Without glibc nothing happens."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    mallopt(_MMAP_THRESHOLD, _KEEP_BYTES)
