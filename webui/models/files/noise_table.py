"""The noise levels that a checkpoint brings along, as it was trained with them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from webui.diffusion.prediction import rescale_to_zero_terminal_snr, scaled_linear_alphas_cumprod

TABLE = "alphas_cumprod"
# In which programs save whole checkpoints, and by how much that changes a number, relatively.
ROUNDING = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}
# Below this, 16 bits hold numbers less exactly still.
SMALLEST_EXACT = 2.0**-14


def alphas_cumprod_in(tensors: Mapping[str, Tensor]) -> Tensor:
    """The table of a checkpoint, (1000,) float32 on the CPU; Stable Diffusion's own where it has none of use.

    Programs that halve a checkpoint round its table too, by which the smallest level changes by 7 %:
    what is a known table but for its rounding is taken for that one. A table that is no falling row of
    numbers between 0 and 1 is damage.
    """
    usual = scaled_linear_alphas_cumprod()
    stored = tensors.get(TABLE)
    if stored is None or stored.shape != usual.shape:
        return usual
    table = stored.detach().to("cpu", torch.float32)
    # In few digits, neighbours become equal.
    is_falling = bool((table[1:] <= table[:-1]).all()) and float(table[-1]) >= 0 and float(table[0]) <= 1
    if not is_falling or float(table[0]) == float(table[-1]):
        return usual
    known = (usual, rescale_to_zero_terminal_snr(usual))
    return next((each for each in known if is_rounded(table, each)), table)


def is_rounded(table: Tensor, exact: Tensor) -> bool:
    """Whether a table (1000,) is another one, rounded to 16 bits at some time."""
    return any(
        torch.equal(table, table.to(dtype).float())
        and bool(((table - exact).abs() <= error * exact.clamp(min=SMALLEST_EXACT)).all())
        for dtype, error in ROUNDING.items()
    )
