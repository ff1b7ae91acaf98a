"""AdamW with clipped gradients and a one-cycle rate, on all weights as one vector.

What `torch.optim` would do, step for step (a test holds both together). It does not load PyTorch's compiler, which
`torch.optim` does at its first step and which takes 1.4 CPU seconds, a tenth of a training on a sensor-year; and a step
is ten operations on one vector instead of some hundred small ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

KEEP_SQUARES = 0.999
TINY = 1e-8
# The one cycle (Smith and Topin 2018): the rate rises over the first part and falls over the rest, as half cosines;
# what is kept of the last step's direction goes the other way.
RISE = 0.3
START, END = 1 / 25, 1 / 250_000  # of the highest rate
KEEP_HIGH, KEEP_LOW = 0.95, 0.85


class OneCycleAdamW:
    """Turns a network's gradients into its next weights, `steps` times."""

    def __init__(self, network: nn.Module, *, rate: float, steps: int, decay: float, clip_norm: float) -> None:
        self._rate, self._steps, self._decay, self._clip_norm = rate, steps, decay, clip_norm
        self._done = 0
        parameters = list(network.parameters())
        self._weights = torch.cat([p.detach().reshape(-1) for p in parameters])
        self._gradient = torch.zeros_like(self._weights)
        at = 0
        for parameter in parameters:  # a view each, so that one operation reaches all of them
            here = slice(at, at := at + parameter.numel())
            parameter.data = self._weights[here].view_as(parameter)
            parameter.grad = self._gradient[here].view_as(parameter)
        self._mean, self._squares = torch.zeros_like(self._weights), torch.zeros_like(self._weights)

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        self._gradient.zero_()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.linalg.vector_norm(self._gradient)
        self._gradient.mul_((self._clip_norm / (norm + 1e-6)).clamp(max=1.0))
        rate, keep = self._now()
        self._done += 1
        self._weights.mul_(1 - rate * self._decay)
        self._mean.lerp_(self._gradient, 1 - keep)
        self._squares.mul_(KEEP_SQUARES).addcmul_(self._gradient, self._gradient, value=1 - KEEP_SQUARES)
        early = 1 - keep**self._done, math.sqrt(1 - KEEP_SQUARES**self._done)  # both means began at nothing
        self._weights.addcdiv_(self._mean, (self._squares.sqrt() / early[1]).add_(TINY), value=-rate / early[0])

    def _now(self) -> tuple[float, float]:
        """Rate, and share kept of the last direction, of this step."""
        top = RISE * self._steps - 1
        if self._done <= top:
            way = self._done / top if top else 1.0
            return self._rate * _between(START, 1.0, way), _between(KEEP_HIGH, KEEP_LOW, way)
        way = (self._done - top) / (self._steps - 1 - top)
        return self._rate * _between(1.0, END, way), _between(KEEP_LOW, KEEP_HIGH, way)


def _between(first: float, last: float, way: float) -> float:
    """From `first` to `last` along half a cosine."""
    return last + (first - last) / 2 * (1 + math.cos(math.pi * way))
