"""The optimizer against PyTorch's own: the same weights after every step."""

import subprocess
import sys

from with_torch import torch

from forecaster.adam import OneCycleAdamW

RATE, STEPS, DECAY, CLIP = 3e-2, 40, 0.5, 0.3


def small() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 2))
    return network, torch.randn(64, 5), torch.randn(64, 2)


def loss_of(network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = ((network(x) - y) ** 2).mean()
    return found


def test_the_weights_are_those_of_adamw_with_a_one_cycle_rate_and_clipped_gradients() -> None:
    ours, x, y = small()
    theirs, _, _ = small()
    own = OneCycleAdamW(ours, rate=RATE, steps=STEPS, decay=DECAY, clip_norm=CLIP)
    adamw = torch.optim.AdamW(theirs.parameters(), lr=RATE, weight_decay=DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adamw, RATE, total_steps=STEPS)
    clipped = 0
    for _ in range(STEPS):
        own.step(loss_of(ours, x, y))
        adamw.zero_grad()
        loss_of(theirs, x, y).backward()
        clipped += int(torch.nn.utils.clip_grad_norm_(theirs.parameters(), CLIP) > CLIP)
        adamw.step()
        cycle.step()
        for mine, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-6)
    assert 0 < clipped < STEPS


def test_a_training_of_a_single_step_is_possible() -> None:
    network, x, y = small()
    before = [p.detach().clone() for p in network.parameters()]
    OneCycleAdamW(network, rate=RATE, steps=1, decay=DECAY, clip_norm=CLIP).step(loss_of(network, x, y))
    assert all(torch.isfinite(p).all() for p in network.parameters())
    assert any((p != old).any() for p, old in zip(network.parameters(), before, strict=True))


def test_a_training_does_not_load_the_compiler_of_pytorch() -> None:
    code = (
        "import sys, torch; from forecaster.adam import OneCycleAdamW; n = torch.nn.Linear(2, 1);"
        "OneCycleAdamW(n, rate=.1, steps=2, decay=0, clip_norm=1).step(n(torch.ones(1, 2)).sum());"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
