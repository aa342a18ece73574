"""Tables of noise levels in checkpoints: rounding and damage in them change no picture."""

import pytest
import torch
from torch import Tensor

from webui.diffusion.prediction import rescale_to_zero_terminal_snr, scaled_linear_alphas_cumprod, sigmas_of
from webui.models.files.noise_table import TABLE, alphas_cumprod_in

USUAL = scaled_linear_alphas_cumprod()
ZERO_SNR = rescale_to_zero_terminal_snr(USUAL)


@pytest.mark.parametrize(
    ("dtype", "again"),
    [
        (torch.float16, torch.float16),
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.bfloat16),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float32, torch.float16),
        (torch.float64, torch.float64),
    ],
)
@pytest.mark.parametrize("exact", [USUAL, ZERO_SNR], ids=["usual", "zero terminal SNR"])
def test_a_rounded_table_is_the_one_that_was_rounded(
    exact: Tensor, dtype: torch.dtype, again: torch.dtype
) -> None:
    assert torch.equal(alphas_cumprod_in({TABLE: exact.to(dtype).to(again)}), exact)


def test_rounding_would_change_the_last_steps() -> None:
    exact, rounded = sigmas_of(USUAL)[0], sigmas_of(USUAL.half().float())[0]
    assert abs(rounded / exact - 1) > 0.05


def test_a_table_of_the_checkpoints_own_is_used_as_is() -> None:
    own = USUAL.double().pow(1.1).float()
    assert torch.equal(alphas_cumprod_in({TABLE: own}), own)
    assert torch.equal(alphas_cumprod_in({TABLE: own.half()}), own.half().float())


@pytest.mark.parametrize(
    "stored",
    [
        torch.full((1000,), torch.nan),
        torch.full((1000,), torch.inf),
        torch.zeros(1000),
        torch.ones(1000),
        USUAL.flip(0),
        USUAL * 2,
        -USUAL,
        USUAL.long(),
        USUAL[:999],
        torch.tensor(1.0),
        USUAL.index_fill(0, torch.tensor([500]), torch.nan),
    ],
)
def test_a_damaged_table_is_not_used(stored: Tensor) -> None:
    assert torch.equal(alphas_cumprod_in({TABLE: stored}), USUAL)
