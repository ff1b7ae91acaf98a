"""The network: an LSTM over the last two days, and a decoder that sees each lead's own features: five quantiles."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecaster.features import HOUR, LEAD, SHARED, Batch

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HIDDEN = 48  # of the LSTM
WIDE, NARROW = 128, 64  # of the decoder
EMBEDDING = 4  # numbers that describe a known sensor; an unknown one has zeros
DROPOUT = 0.1
WEIGHTS = (
    0.3,
    0.3,
    3.0,
    0.3,
    0.3,
)  # of the quantiles in the loss: the middle is the forecast, the interval is stretched


class Network(nn.Module):
    """Residual quantiles [B, L, 5] from a batch; index 0 of the embedding means an unknown series."""

    def __init__(self, known: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(known + 1, EMBEDDING, padding_idx=0)
        self.encoder = nn.LSTM(HOUR, HIDDEN, batch_first=True)
        self.from_shared = nn.Linear(HIDDEN + SHARED + EMBEDDING, WIDE)
        self.from_lead = nn.Linear(LEAD, WIDE, bias=False)
        self.middle = nn.Linear(WIDE, NARROW)
        self.head = nn.Linear(NARROW, len(QUANTILES))
        self.skip = nn.Linear(SHARED + LEAD, 1)
        self.own_skip = nn.Embedding(known + 1, SHARED + LEAD, padding_idx=0)  # what is linear and a sensor's own
        self.drop = nn.Dropout(DROPOUT)
        nn.init.zeros_(self.embedding.weight)
        nn.init.zeros_(self.skip.weight)
        nn.init.zeros_(self.own_skip.weight)

    def forward(self, batch: Batch, known: Tensor) -> Tensor:
        """`known` [B]: embedding index of each window's series, 0 = unknown."""
        _, (state, _) = self.encoder(batch.recent)  # state [1, B, HIDDEN]
        shared = torch.cat([self.drop(state[0]), batch.shared, self.embedding(known)], 1)
        wide = self.from_shared(shared)[:, None] + self.from_lead(batch.lead)  # [B, L, WIDE]
        narrow = nn.functional.silu(self.middle(self.drop(nn.functional.silu(wide))))
        out = self.head(narrow)  # [B, L, 5]
        weight = self.skip.weight + self.own_skip(known)  # [B, SHARED + LEAD]
        straight = (batch.shared * weight[:, :SHARED]).sum(1)[:, None] + (batch.lead @ weight[:, SHARED:, None])[..., 0]
        middle = out[..., 2] + straight
        gap = nn.functional.softplus(out)
        low, high = middle - gap[..., 1], middle + gap[..., 3]
        return torch.stack([low - gap[..., 0], low, middle, high, high + gap[..., 4]], -1)


def pinball(quantiles: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean pinball loss of `quantiles` [B, L, 5] against `truth` [B, L], weighted by `weight` [B, L]."""
    level, importance = truth.new_tensor(QUANTILES), truth.new_tensor(WEIGHTS)
    error = truth[..., None] - quantiles
    loss = (torch.maximum(level * error, (level - 1) * error) * importance).sum(-1)
    return (loss * weight).sum() / weight.sum().clamp(min=1)
