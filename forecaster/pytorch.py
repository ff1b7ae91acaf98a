"""PyTorch, which training alone needs: the hourly forecasts go on without it."""

from __future__ import annotations

from common.errors import HydrologError


class NoPyTorch(HydrologError):
    """Training needs PyTorch, and this Python has none."""

    exit_code = 2


def prepare() -> None:
    """Load PyTorch for a training: one thread, for the box has other work.

    Raises:
        NoPyTorch: it is not installed, or cannot be loaded."""
    try:
        import torch  # noqa: PLC0415 - whoever may do without it imports this file
    except (ImportError, OSError) as error:  # OSError: one of its own libraries is missing
        raise NoPyTorch(f"training needs PyTorch, which cannot be loaded: {error}") from error
    torch.set_num_threads(1)
