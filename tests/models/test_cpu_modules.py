"""The network rebuilt for speed against the plain one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.models.small_checkpoints import model_file, small_checkpoint, write
from webui.models.cpu.cpu_modules import FastAttention, FastGeglu, FastResidual
from webui.models.cpu.packed_layers import PackedConv2d, PackedLinear, can_pack
from webui.models.cpu.precision import EXACT
from webui.models.loaded_model import LoadedModel
from webui.models.loader import load

CPU = torch.device("cpu")
FAST = replace(EXACT, channels_last=True, packed=True)
pytestmark = pytest.mark.skipif(not can_pack(torch.float32), reason="this torch cannot pack weights")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SD1 checkpoint in float16."""
    tensors = {name: tensor.half() for name, tensor in small_checkpoint().items()}
    return write(tmp_path_factory.mktemp("fast") / "small.safetensors", tensors)


@pytest.fixture
def plain(checkpoint: Path) -> LoadedModel:
    """It, exact."""
    return load(model_file(checkpoint), EXACT, CPU)


@pytest.fixture
def fast(checkpoint: Path) -> LoadedModel:
    """It, rebuilt for speed in 32 bits."""
    return load(model_file(checkpoint), FAST, CPU)


def predict(model: LoadedModel, *, size: int = 8) -> Tensor:
    """The network's answer to a fixed latent."""
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(2, 4, size, size, generator=generator)
    crossattn = torch.randn(2, 77, model.network.context, generator=generator)
    with torch.no_grad():
        return model.network(latent, torch.tensor([500.0, 500.0]), crossattn)


def test_the_network_gives_the_same_within_rounding(plain: LoadedModel, fast: LoadedModel) -> None:
    torch.testing.assert_close(predict(fast), predict(plain), atol=1e-4, rtol=1e-3)


def test_its_weights_stay_as_the_file_has_them_under_the_same_names(
    plain: LoadedModel, fast: LoadedModel
) -> None:
    wanted, found = plain.network.state_dict(), fast.network.state_dict()
    assert found.keys() == wanted.keys()
    predict(fast)
    assert all(tensor.float().equal(wanted[name]) for name, tensor in fast.network.state_dict().items())
    layers = [m for m in fast.network.modules() if isinstance(m, PackedLinear | PackedConv2d)]
    assert {layer.weight.dtype for layer in layers} == {torch.float16}
    assert all(layer.packed is not None for layer in layers)
    assert fast.network.dtype == torch.float32


def test_the_blocks_are_ours_only_where_speed_was_asked_for(plain: LoadedModel, fast: LoadedModel) -> None:
    ours = (FastResidual, FastGeglu, PackedLinear, PackedConv2d)
    for model, wanted in ((plain, False), (fast, True)):
        found = {type(module) for part in model.modules() for module in part.modules()}
        assert found.issuperset(ours) is wanted
        assert found.isdisjoint(ours) is not wanted
        processors = {type(each) for each in model.network.unet.attn_processors.values()}
        assert (processors == {FastAttention}) is wanted


def test_pictures_and_prompts_come_out_the_same(plain: LoadedModel, fast: LoadedModel) -> None:
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    picture = plain.vae.decode(latent)
    torch.testing.assert_close(fast.vae.decode(latent), picture, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(fast.vae.encode(picture), plain.vae.encode(picture), atol=1e-3, rtol=1e-3)
    tokens = torch.arange(77)[None]
    one, two = (model.text_encoder.towers[0](tokens, 0).states for model in (fast, plain))
    torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-3)


def test_a_changed_weight_changes_the_answer_and_its_return_restores_every_bit(fast: LoadedModel) -> None:
    before = predict(fast)
    for name in ("mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj", "mid_block.resnets.0.conv2"):
        layer = fast.network.unet.get_submodule(name)
        assert isinstance(layer, PackedLinear | PackedConv2d)
        kept = layer.weight
        layer.weight = torch.nn.Parameter(kept.float() * 1.5, requires_grad=False)
        assert not predict(fast).equal(before)
        layer.weight = kept
        assert predict(fast).equal(before)


def test_hooks_on_layers_that_are_gone_around_are_heard(fast: LoadedModel) -> None:
    heard: list[str] = []
    names = [
        name
        for name, module in fast.network.unet.named_modules()
        if isinstance(module, PackedLinear | PackedConv2d)
    ]
    for name in names:
        fast.network.unet.get_submodule(name).register_forward_hook(lambda *_, name=name: heard.append(name))
    predict(fast)
    assert set(heard) == set(names)


@pytest.mark.skipif(not can_pack(torch.bfloat16), reason="this processor has no bfloat16")
def test_bfloat16_comes_close_and_blocks_too(checkpoint: Path, plain: LoadedModel) -> None:
    half = replace(FAST, network=torch.bfloat16, vae=torch.bfloat16, text=torch.bfloat16, in_blocks=True)
    model, wanted = load(model_file(checkpoint), half, CPU), predict(plain, size=32)
    assert model.network.dtype == model.vae.dtype == torch.bfloat16
    error = (predict(model, size=32) - wanted).std() / wanted.std()
    assert error < 0.03
    model.network.float()
    torch.testing.assert_close(predict(model, size=32), wanted, atol=0.02, rtol=0.02)
