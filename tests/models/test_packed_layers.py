"""Packed layers: the same results, from whatever the weight is now."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from webui.diffusion.adapters.tiling import Tiling
from webui.models.cpu.packed_layers import (
    PackedConv2d,
    PackedLinear,
    can_pack,
    forget_packed,
    keep_unchanged,
    pack_layer,
    packed_bytes,
)

LAYERS: list[tuple[Callable[[], nn.Module], tuple[int, ...]]] = [
    (lambda: nn.Linear(24, 40), (2, 9, 24)),
    (lambda: nn.Linear(24, 40, bias=False), (3, 24)),
    (lambda: nn.Conv2d(16, 24, 3, padding=1), (2, 16, 9, 12)),
    (lambda: nn.Conv2d(16, 24, 3, stride=2, padding=1), (1, 16, 8, 8)),
    (lambda: nn.Conv2d(16, 24, 3, stride=2), (1, 16, 9, 9)),
    (lambda: nn.Conv2d(16, 24, 1), (1, 16, 5, 7)),
]
pytestmark = pytest.mark.skipif(not can_pack(torch.float32), reason="this torch cannot pack weights")


def noise(*shape: int) -> Tensor:
    """Random numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("make", "shape"), LAYERS)
@torch.no_grad()
def test_a_packed_layer_gives_what_the_plain_one_gives(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    layer = make()
    packed = pack_layer(layer)
    assert isinstance(packed, PackedLinear | PackedConv2d)
    for _ in range(2):
        torch.testing.assert_close(packed(noise(*shape)), layer(noise(*shape)), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_parameters_keep_their_names_and_bits() -> None:
    layer = nn.Conv2d(16, 24, 3)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    packed = pack_layer(layer)
    packed(noise(1, 16, 8, 8))
    assert packed.state_dict().keys() == before.keys()
    assert all(tensor.equal(before[name]) for name, tensor in packed.state_dict().items())
    assert packed.weight is layer.weight


@pytest.mark.parametrize(("make", "shape"), LAYERS[:3])
@torch.no_grad()
def test_a_changed_weight_is_packed_again_and_a_restored_one_gives_the_same_bits(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    layer = pack_layer(make())
    assert isinstance(layer, PackedLinear | PackedConv2d)
    original, given = layer.weight, noise(*shape)
    first = layer(given)
    layer.weight = nn.Parameter(original * 2, requires_grad=False)
    doubled = layer(given)
    assert not doubled.allclose(first)
    layer.weight.mul_(0.5)
    torch.testing.assert_close(layer(given), first)
    layer.weight = original
    assert layer(given).equal(first)
    layer.weight.data.mul_(2)
    forget_packed(layer)
    assert layer(given).equal(doubled)


@torch.no_grad()
def test_packed_copies_count_as_memory_once_they_are_made() -> None:
    layers = nn.Sequential(pack_layer(nn.Conv2d(16, 24, 3)), pack_layer(nn.Conv2d(24, 8, 1)))
    assert packed_bytes(layers) == 0
    layers(noise(1, 16, 8, 8))
    assert packed_bytes(layers) == 4 * (16 * 24 * 9 + 24 * 8)
    forget_packed(layers)
    assert packed_bytes(layers) == 0


@torch.no_grad()
def test_a_change_goes_into_the_packed_copy_and_leaves_the_weight() -> None:
    layer = pack_layer(nn.Linear(24, 40))
    assert isinstance(layer, PackedLinear)
    weight, given = layer.weight.clone(), noise(2, 24)
    plain = layer(given)
    layer.change = lambda stored, dtype: (stored * 2).to(dtype)
    doubled = layer(given)
    torch.testing.assert_close(doubled, functional.linear(given, 2 * weight, layer.bias))
    assert layer.weight.equal(weight)
    layer.change = None
    assert layer(given).equal(plain)


@pytest.mark.parametrize(("make", "shape"), LAYERS[:3])
@torch.no_grad()
def test_the_copy_of_an_unchanged_weight_waits_and_comes_back(
    make: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    layer, given = pack_layer(make()), noise(*shape)
    assert isinstance(layer, PackedLinear | PackedConv2d)
    keep_unchanged(layer, keep=True)
    plain = layer(given)
    first = layer.packed
    for factor in (2, 3):
        layer.change = lambda stored, dtype, factor=factor: (stored * factor).to(dtype)
        assert not layer(given).allclose(plain)
        assert layer.unchanged is first
        assert packed_bytes(layer) == 4 * layer.weight.numel()
    layer.change = None
    assert layer(given).equal(plain)
    assert layer.packed is first
    assert layer.unchanged is None


@torch.no_grad()
def test_a_waiting_copy_goes_when_it_may_not_stay_and_when_the_weight_is_another() -> None:
    layer, given = pack_layer(nn.Linear(24, 40)), noise(2, 24)
    assert isinstance(layer, PackedLinear)

    def use_change() -> None:
        layer.change = None
        layer(given)
        layer.change = lambda stored, dtype: (stored * 2).to(dtype)
        layer(given)

    use_change()
    assert layer.unchanged is None
    keep_unchanged(layer, keep=True)
    use_change()
    assert layer.unchanged is not None
    keep_unchanged(layer, keep=False)
    assert layer.unchanged is None
    keep_unchanged(layer, keep=True)
    use_change()
    layer.weight.mul_(3)
    expected = functional.linear(given, layer.weight * 2, layer.bias)
    torch.testing.assert_close(layer(given), expected)
    assert layer.unchanged is None
    layer.change = None
    torch.testing.assert_close(layer(given), functional.linear(given, layer.weight, layer.bias))


def test_a_change_is_there_where_gradients_are_wanted() -> None:
    layer = pack_layer(nn.Conv2d(4, 4, 3))
    assert isinstance(layer, PackedConv2d)
    layer.change = lambda stored, dtype: (stored * 3).to(dtype)
    given = noise(1, 4, 8, 8).requires_grad_()
    torch.testing.assert_close(layer(given), functional.conv2d(given, 3 * layer.weight, layer.bias))


@torch.no_grad()
def test_a_weight_in_another_format_is_computed_with_in_the_inputs() -> None:
    plain = nn.Linear(24, 40)
    plain.weight.copy_(plain.weight.half().float())
    layer = pack_layer(nn.Linear(24, 40))
    layer.weight = nn.Parameter(plain.weight.half(), requires_grad=False)
    layer.bias = plain.bias
    torch.testing.assert_close(layer(noise(2, 24)), plain(noise(2, 24)))
    assert layer.weight.dtype == torch.float16
    layer.float()
    torch.testing.assert_close(layer(noise(2, 24)), plain(noise(2, 24)))


@torch.no_grad()
def test_tiled_pictures_pad_with_their_other_side() -> None:
    plain = nn.Sequential(nn.Conv2d(16, 24, 3, padding=1))
    packed = nn.Sequential(pack_layer(plain[0]))
    untiled = packed(noise(1, 16, 8, 8))
    with Tiling().attach(plain), Tiling().attach(packed):
        torch.testing.assert_close(packed(noise(1, 16, 8, 8)), plain(noise(1, 16, 8, 8)))
    assert packed(noise(1, 16, 8, 8)).equal(untiled)


def test_gradients_go_through_a_packed_layer() -> None:
    layer, given = pack_layer(nn.Linear(24, 40)), noise(2, 24).requires_grad_()
    assert isinstance(layer, PackedLinear)
    layer(given).sum().backward()
    assert given.grad is not None
    torch.testing.assert_close(given.grad[0], layer.weight.sum(0))
