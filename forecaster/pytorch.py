"""PyTorch, which training alone needs: the hourly forecasts go on without it."""

from __future__ import annotations

import ctypes
import importlib.util

from common.errors import HydrologError

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's mallopt()
_KEEP_BYTES = 1 << 30


class NoPyTorch(HydrologError):
    """Training needs PyTorch, and this Python has none."""

    exit_code = 2


def is_installed() -> bool:
    """Whether a training could start. Loads nothing."""
    return importlib.util.find_spec("torch") is not None


def prepare() -> None:
    """Load PyTorch for a training: one thread, for the box has other work.

    Raises:
        NoPyTorch: it is not installed, or cannot be loaded."""
    try:
        import torch  # noqa: PLC0415 - whoever may do without it imports this file
    except (ImportError, OSError) as error:  # OSError: one of its own libraries is missing
        raise NoPyTorch(f"training needs PyTorch, which cannot be loaded: {error}") from error
    torch.set_num_threads(1)
    _keep_freed()


def _keep_freed() -> None:
    """Have the C library keep freed memory for the next block. Without glibc nothing happens.

    Training asks for and frees the same few large blocks thousands of times; giving each back to the kernel and
    asking for it again costs up to half of the CPU time."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    mallopt(_MMAP_THRESHOLD, _KEEP_BYTES)
