"""`from with_torch import torch`: a file that needs PyTorch is skipped, and says so, where there is none."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: each file that imports this one")
torch.set_num_threads(1)
