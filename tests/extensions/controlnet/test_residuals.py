"""Residuals are weighed, masked and summed layer by layer."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from extensions.controlnet.networks.base import Residuals

WEIGHTS = st.floats(-2, 2, width=16)


def make(seed: int = 0, *, has_mid: bool = True, features: int = 2) -> Residuals:
    """Three skips, a middle, and features."""
    generator = torch.Generator().manual_seed(seed)
    tensors = [torch.randn(2, 4, side, side, generator=generator) for side in (8, 8, 4, 4, 8, 4)]
    return Residuals(tuple(tensors[:3]), tensors[3] if has_mid else None, tuple(tensors[4 : 4 + features]))


def same(first: Residuals, second: Residuals) -> bool:
    """Bit-equal in all places."""
    pairs = zip(first.layers, second.layers, strict=True)
    return len(first.down) == len(second.down) and all(torch.equal(a, b) for a, b in pairs)


@given(st.lists(WEIGHTS, min_size=6, max_size=6))
def test_each_layer_is_weighed_by_its_own_weight(weights: list[float]) -> None:
    residuals = make()
    scaled = residuals.scaled(weights)
    for layer, before, weight in zip(scaled.layers, residuals.layers, weights, strict=True):
        assert torch.equal(layer, before * weight)
    assert len(scaled.down) == 3
    assert len(scaled.intrablock) == 2


@given(st.booleans(), st.booleans())
def test_sums_do_not_depend_on_the_order_and_nothing_adds_nothing(first: bool, second: bool) -> None:
    a, b = make(1, has_mid=first), make(2, has_mid=second)
    assert same(a.plus(b), b.plus(a))
    assert same(a.plus(Residuals()), a)
    assert same(Residuals().plus(a), a)
    assert torch.equal(a.plus(b).down[1], a.down[1] + b.down[1])


def test_features_of_different_length_are_added_from_the_finest_on() -> None:
    a, b = make(1, features=1), make(2, features=2)
    total = a.plus(b).intrablock
    assert torch.equal(total[0], a.intrablock[0] + b.intrablock[0])
    assert torch.equal(total[1], b.intrablock[1])


def test_rows_are_weighed_one_by_one() -> None:
    residuals = make()
    weighed = residuals.by_row(torch.tensor([0.0, 0.5]))
    for layer, before in zip(weighed.layers, residuals.layers, strict=True):
        assert not layer[0].any()
        assert torch.equal(layer[1], before[1] * 0.5)


def test_a_mask_of_any_size_keeps_only_its_part_of_each_layer() -> None:
    residuals = make()
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :32] = 1
    for layer, before in zip(residuals.masked(mask).layers, residuals.layers, strict=True):
        half = layer.shape[-1] // 2
        assert torch.equal(layer[..., :half], before[..., :half])
        assert not layer[..., half:].any()


def test_the_arguments_are_those_of_diffusers_unet_and_new_for_each_call() -> None:
    residuals = make()
    arguments = residuals.arguments()
    assert set(arguments) == {
        "down_block_additional_residuals",
        "mid_block_additional_residual",
        "down_intrablock_additional_residuals",
    }
    features = arguments["down_intrablock_additional_residuals"]
    assert isinstance(features, list)
    features.clear()
    assert len(residuals.intrablock) == 2
    assert Residuals().arguments() == {}


def test_what_does_not_go_together_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="There are 6 layers to weigh, but 2 weights"):
        make().scaled([1.0, 1.0])
    longer = Residuals((*make().down, torch.zeros(2, 4, 4, 4)))
    with pytest.raises(ValueError, match="made for different checkpoints"):
        make().plus(longer)
