"""The network as it is trained: an LSTM over the last two days, a decoder that sees each lead's own features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecaster.features import HOUR, LEAD, SHARED
from forecaster.forward import EMBEDDING, HIDDEN, NARROW, PATCH_H, WIDE, Weights

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DROPOUT = 0.1
# Of the quantiles in the loss: the middle is the forecast, the interval is stretched.
WEIGHTS = (0.3, 0.3, 3.0, 0.3, 0.3)


class Network(nn.Module):
    """Residual quantiles [B, L, 5] from a batch; index 0 of the embedding means an unknown series."""

    def __init__(self, known: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(known + 1, EMBEDDING, padding_idx=0)
        self.encoder = nn.LSTM(PATCH_H * HOUR, HIDDEN, batch_first=True)
        self.from_shared = nn.Linear(HIDDEN + SHARED + EMBEDDING, WIDE)
        self.from_lead = nn.Linear(LEAD, WIDE, bias=False)
        self.middle = nn.Linear(WIDE, NARROW)
        self.head = nn.Linear(NARROW, len(QUANTILES))
        self.skip = nn.Linear(SHARED + LEAD, 1, bias=False)
        self.own_skip = nn.Embedding(known + 1, SHARED + LEAD, padding_idx=0)  # what is linear and a sensor's own
        self.drop = nn.Dropout(DROPOUT)
        nn.init.zeros_(self.embedding.weight)
        nn.init.zeros_(self.skip.weight)
        nn.init.zeros_(self.own_skip.weight)

    def forward(self, recent: Tensor, origin: Tensor, lead: Tensor, known: Tensor) -> Tensor:
        """The parts of a `Batch`; `known` [B]: embedding index of each window's series, 0 = unknown."""
        patches = recent.reshape(len(recent), -1, PATCH_H * HOUR)
        _, (state, _) = self.encoder(patches)  # state [1, B, HIDDEN]
        shared = torch.cat([self.drop(state[0]), origin, self.embedding(known)], 1)
        wide = nn.functional.silu(self.from_shared(shared)[:, None] + self.from_lead(lead))  # [B, L, WIDE]
        narrow = nn.functional.silu(self.middle(_dropped(wide) if self.training else wide))
        out = self.head(narrow)  # [B, L, 5]
        weight = self.skip.weight + self.own_skip(known)  # [B, SHARED + LEAD]
        straight = (origin * weight[:, :SHARED]).sum(1)  # [B]
        middle = out[..., 2] + straight[:, None] + (lead @ weight[:, SHARED:, None])[..., 0]
        gap = nn.functional.softplus(out)
        low, high = middle - gap[..., 1], middle + gap[..., 3]
        return torch.stack([low - gap[..., 0], low, middle, high, high + gap[..., 4]], -1)

    @classmethod
    def of(cls, weights: Weights) -> Network:
        """A network with given weights, to go on training."""
        network = cls(len(weights["embedding.weight"]) - 1)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        return network

    def weights(self) -> Weights:
        """The weights as arrays."""
        return {name: value.detach().numpy() for name, value in self.state_dict().items()}


def _dropped(wide: Tensor) -> Tensor:
    """Features dropped for all leads of a window together."""
    keep = (torch.rand(len(wide), 1, WIDE) >= DROPOUT) / (1 - DROPOUT)
    return wide * keep


def pinball(quantiles: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean pinball loss of `quantiles` [B, L, 5] against `truth` [B, L], weighted by `weight` [B, L]."""
    level, importance = truth.new_tensor(QUANTILES), truth.new_tensor(WEIGHTS)
    error = truth[..., None] - quantiles
    loss = (torch.maximum(level * error, (level - 1) * error) * importance).sum(-1)
    return (loss * weight).sum() / weight.sum().clamp(min=1)
