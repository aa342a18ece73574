"""LoRA and its kin against the libraries that others train with: peft and LyCORIS."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lycoris.functional import factorization
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from peft import LoraConfig
from torch import Tensor, nn

from tests.training.methods.trainables import CHECKPOINTS, load_networks, make_batch, make_run
from webui.training.methods.adapters import make_layers
from webui.training.methods.changed_layers import (
    ChangedLayer,
    DecomposedLayer,
    HadamardLayer,
    KroneckerLayer,
    LowRankLayer,
    split,
)
from webui.training.methods.dropout import Dropout

KINDS: dict[type[ChangedLayer], tuple[Any, dict[str, Any]]] = {
    LowRankLayer: (LoConModule, {}),
    DecomposedLayer: (LoConModule, {"weight_decompose": True, "wd_on_out": False}),
    HadamardLayer: (LohaModule, {}),
    KroneckerLayer: (LokrModule, {}),
}


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_lora_step_has_the_gradients_of_diffusers_with_peft(golden_models: Path, checkpoint: str) -> None:
    networks = load_networks(golden_models, checkpoint)
    run = make_run("lora", rank=4, alpha=2.0, train_text=False)
    trainable = make_layers(run, networks)
    batch = make_batch()
    with torch.no_grad():
        text = networks.tell_sizes(networks.encode_text(batch.captions), batch.sizes)
    timestep, noise = torch.tensor([400]), torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    # Any: diffusers' network, which torch knows as a module.
    theirs: Any = copy.deepcopy(networks.unet)
    ours: dict[str, ChangedLayer] = {}
    for name, module in networks.unet.named_modules():
        for change in trainable.changes.values():
            if change.layer is module:
                ours[name] = change
    theirs.add_adapter(LoraConfig(r=4, lora_alpha=2, target_modules=list(ours), init_lora_weights=False))
    parameters = dict(theirs.named_parameters())
    with torch.no_grad():
        for name, change in ours.items():
            down, up = change.get_parameter("down"), change.get_parameter("up")
            up.normal_(0, 0.05, generator=torch.Generator().manual_seed(len(name)))
            parameters[f"{name}.lora_A.default.weight"].copy_(down)
            parameters[f"{name}.lora_B.default.weight"].copy_(up)
    with trainable.attach():
        nn.functional.mse_loss(networks.predict(batch.latents, timestep, text), noise).backward()
    output = theirs(batch.latents, timestep, text.crossattn, class_labels=text.vector, return_dict=False)[0]
    nn.functional.mse_loss(output, noise).backward()
    moved = 0
    for name, change in ours.items():
        for own, peft_name in (("down", "lora_A"), ("up", "lora_B")):
            mine = change.get_parameter(own).grad
            its = parameters[f"{name}.{peft_name}.default.weight"].grad
            assert mine is not None
            torch.testing.assert_close(mine, its, atol=1e-5, rtol=1e-4, msg=f"{name} {own}")
            moved += bool(mine.abs().max() > 0)
    # Where a level is one pixel, its attention over itself gives keys and queries no gradients.
    assert moved > 1.5 * len(ours) > 30


def make_layer(rows: int, columns: int, kernel: int) -> nn.Linear | nn.Conv2d:
    """A matrix, or a convolution that halves."""
    generator = torch.Generator().manual_seed(rows)
    layer = (
        nn.Conv2d(columns, rows, kernel, stride=2, padding=kernel // 2)
        if kernel
        else nn.Linear(columns, rows)
    )
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return layer.requires_grad_(False)


@given(
    kind=st.sampled_from(list(KINDS)),
    rows=st.integers(2, 40),
    columns=st.integers(2, 40),
    kernel=st.sampled_from([0, 1, 3]),
    rank=st.integers(1, 24),
    alpha=st.sampled_from([0.5, 1.0, 8.0]),
    factor=st.sampled_from([-1, 2, 4, 7]),
)
@settings(max_examples=60)
def test_layers_are_lycoris(
    kind: type[ChangedLayer], rows: int, columns: int, kernel: int, rank: int, alpha: float, factor: int
) -> None:
    layer = make_layer(rows, columns, kernel)
    generator = torch.Generator().manual_seed(0)
    dropout = Dropout(0.0, torch.Generator(), 0)
    is_lokr = kind is KroneckerLayer
    more = {"factor": factor} if is_lokr else {}
    make: Any = kind
    mine: ChangedLayer = make(layer, rank, alpha, dropout, generator, **more)
    library, arguments = KINDS[kind]
    its = library("layer", copy.deepcopy(layer), 1.0, rank, alpha, **arguments, **more)
    fill(mine)
    tensors = mine.tensors()
    own = {name: tensor for name, tensor in its.state_dict().items() if not name.startswith("org_")}
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in own.items()
    }
    assert float(tensors["alpha"]) == float(own["alpha"])
    with torch.no_grad():
        for name, parameter in its.named_parameters():
            if name in tensors:
                parameter.copy_(tensors[name])
    its.apply_to()
    given_tokens = (
        torch.randn(2, columns, 6, 6, generator=generator)
        if kernel
        else torch.randn(2, 5, columns, generator=generator)
    )
    answers = mine(given_tokens), its.org_module[0](given_tokens)
    torch.testing.assert_close(*answers, atol=1e-4, rtol=1e-4)
    for each in answers:
        each.square().mean().backward()
    theirs = dict(its.named_parameters())
    for name, end in mine.ends:
        torch.testing.assert_close(mine.get_parameter(name).grad, theirs[end].grad, atol=1e-4, rtol=1e-3)


@torch.no_grad()
def fill(change: ChangedLayer) -> None:
    """Numbers in place of the zeros that it begins with."""
    generator = torch.Generator().manual_seed(9)
    for name, parameter in change.named_parameters():
        if name != "lengths":
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)


@given(size=st.integers(1, 2000), factor=st.sampled_from([-1, 1, 2, 3, 4, 8, 16, 100]))
def test_sides_are_split_as_lycoris_does(size: int, factor: int) -> None:
    assert split(size, factor) == tuple(factorization(size, factor))


def test_lora_keeps_nothing_of_the_weights_size() -> None:
    layer = nn.Linear(512, 512).requires_grad_(False)
    change = LowRankLayer(layer, 4, 4.0, Dropout(0.0, torch.Generator(), 0), torch.Generator())
    kept: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() != layer.weight.data_ptr():
            kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        change(torch.randn(3, 512)).sum().backward()
    assert kept and max(kept) < 512 * 512 / 4
