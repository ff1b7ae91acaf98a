"""Where a training runs: on a GPU that works, else on the CPU."""

from __future__ import annotations

import functools
import logging

import torch
from torch import nn

from common.logging_setup import quoted

_log = logging.getLogger(__name__)


@functools.cache  # asked once a process: a GPU that does not work is warned of once
def training_device() -> torch.device:
    """The GPU if PyTorch finds one and it does a step of an LSTM, else the CPU.

    A driver that is too old or a card that this PyTorch has no code for is found, too, but fails at its first work."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    gpu = torch.device("cuda")
    try:
        _try(gpu)
    except RuntimeError as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        _log.warning(
            "gpu_unusable problem=%s PyTorch finds a GPU that does not work; training goes on on the CPU", quoted(first)
        )
        return torch.device("cpu")
    return gpu


def _try(device: torch.device) -> None:
    """A small step of what a training does, to its end.

    Raises:
        RuntimeError: it cannot be done there."""
    encoder = nn.LSTM(1, 1, batch_first=True).to(device)
    answer, _ = encoder(torch.ones(1, 1, 1).to(device))
    answer.sum().backward()
    answer.sum().item()  # waits for the GPU: what fails there is said only then
