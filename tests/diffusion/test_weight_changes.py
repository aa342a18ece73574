"""What each kind of LoRA does to a weight, against LyCORIS's own modules on random numbers."""

import pytest
import torch
from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.full import FullModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.ia3 import IA3Module
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from lycoris.modules.norms import NormModule
from torch import Tensor, nn

from webui.diffusion.adapters.weight_changes import LowRank, changed_weight
from webui.models.loras.lora_changes import read_change
from webui.models.loras.lora_keys import sort_tensors

LAYERS = {
    "linear": lambda: nn.Linear(24, 32),
    "convolution": lambda: nn.Conv2d(16, 32, 3, padding=1),
    "point": lambda: nn.Conv2d(16, 32, 1),
}
KINDS = {
    "lora": (LoConModule, {}),
    "lora-tucker": (LoConModule, {"use_tucker": True}),
    "dora-rows": (LoConModule, {"weight_decompose": True, "wd_on_out": True}),
    "dora-columns": (LoConModule, {"weight_decompose": True, "wd_on_out": False}),
    # Merging, LyCORIS scales LoHa twice, so its scale is 1 here; one that is not is tried below.
    "loha": (LohaModule, {"alpha": 4.0}),
    "loha-tucker": (LohaModule, {"alpha": 4.0, "use_tucker": True}),
    "loha-dora": (LohaModule, {"alpha": 4.0, "weight_decompose": True, "wd_on_out": False}),
    "lokr": (LokrModule, {"factor": 4}),
    "lokr-both": (LokrModule, {"factor": 4, "decompose_both": True}),
    "lokr-full": (LokrModule, {"factor": 4, "full_matrix": True}),
    "lokr-tucker": (LokrModule, {"factor": 4, "use_tucker": True, "lora_dim": 2}),
    "lokr-dora": (LokrModule, {"factor": 4, "weight_decompose": True, "wd_on_out": False}),
    "ia3-inputs": (IA3Module, {"train_on_input": True}),
    "ia3-outputs": (IA3Module, {"train_on_input": False}),
    "glora": (GLoRAModule, {}),
    "oft": (DiagOFTModule, {"lora_dim": 8}),
    "oft-limited": (DiagOFTModule, {"lora_dim": 8, "constraint": 0.01, "rescaled": True}),
    "boft": (ButterflyOFTModule, {"lora_dim": 8}),
    "boft-limited": (ButterflyOFTModule, {"lora_dim": 8, "constraint": 0.01, "rescaled": True}),
}


def trained(module: nn.Module) -> nn.Module:
    """With random numbers in place of the zeros that training begins with."""
    generator = torch.Generator().manual_seed(5)
    for name, parameter in module.named_parameters():
        if "dora_scale" in name or "rescale" in name:
            parameter.data *= 1 + 0.1 * torch.randn(parameter.shape, generator=generator)
        else:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return module


def saved(module: nn.Module) -> dict[str, Tensor]:
    """As the module's file has it."""
    given = module.custom_state_dict() if hasattr(module, "custom_state_dict") else None
    tensors = given if given is not None else module.state_dict()
    return {f"lora_unet_layer.{name}": tensor.detach().clone() for name, tensor in tensors.items()}


def change_of(tensors: dict[str, Tensor], outputs: int):
    (layer,) = sort_tensors(tensors).layers.values()
    change = read_change(layer.parts, outputs)
    assert change is not None
    return change


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_weight_is_that_of_lycoris(kind: str, layer: str):
    torch.manual_seed(1)
    build, options = KINDS[kind]
    original = LAYERS[layer]().requires_grad_(False)
    with torch.no_grad():
        module = trained(build("layer", original, **{"lora_dim": 4, "alpha": 2.0} | options))
        tensors = saved(module)
        expected = module.get_merged_weight(multiplier=1.0, shape=original.weight.shape)[0]
        expected = expected.reshape(original.weight.shape)
        change = change_of(tensors, 32).weight
        assert change is not None
        assert change.fits(original.weight.shape)
        made = changed_weight(original.weight, [(change, 1.0)], torch.float32)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)
    assert (made - original.weight).abs().max() > 1e-3


@pytest.mark.parametrize("kind", [name for name in KINDS if "dora" not in name and "oft" not in name])
def test_half_the_strength_is_half_the_change_as_in_lycoris(kind: str):
    torch.manual_seed(1)
    build, options = KINDS[kind]
    original = LAYERS["linear"]().requires_grad_(False)
    with torch.no_grad():
        module = trained(build("layer", original, **{"lora_dim": 4, "alpha": 2.0} | options))
        expected = original.weight + module.get_diff_weight(multiplier=0.5)[0].reshape(original.weight.shape)
        change = change_of(saved(module), 32).weight
        made = changed_weight(original.weight, [(change, 0.5)], torch.float32)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", [nn.LayerNorm(16), nn.GroupNorm(4, 16)], ids=["layer", "group"])
def test_a_norms_weight_and_bias_are_those_of_lycoris(norm: nn.Module):
    with torch.no_grad():
        module = trained(NormModule("layer", norm))
        weight, bias = module.get_merged_weight(multiplier=1.0)
        change = change_of(saved(module), 16)
        made = [
            changed_weight(value, [(part, 1.0)], torch.float32)
            for value, part in ((norm.weight, change.weight), (norm.bias, change.bias))
        ]
    torch.testing.assert_close(made[0], weight)
    torch.testing.assert_close(made[1], bias)


def test_the_scale_of_loha_is_alpha_over_rank():
    original = LAYERS["convolution"]()
    module = trained(LohaModule("layer", original, lora_dim=4, alpha=1.0))
    with torch.no_grad():
        expected = module.get_weight(original.weight.shape)
        made = change_of(saved(module), 32).weight.delta(original.weight)
    torch.testing.assert_close(made, expected)


def test_a_full_difference_changes_weight_and_bias():
    with torch.no_grad():
        original = nn.Linear(8, 6).requires_grad_(False)
        module = FullModule("layer", original)
        module.apply_to()
        trained(module)
        difference = {f"lora_unet_layer.{name}": value for name, value in module.custom_state_dict().items()}
        change = change_of(difference, 6)
        weight = changed_weight(module.org_weight, [(change.weight, 1.0)], torch.float32)
        bias = changed_weight(module.org_bias[0], [(change.bias, 1.0)], torch.float32)
    torch.testing.assert_close(weight, module.weight.data)
    torch.testing.assert_close(bias, module.bias.data)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_several_are_rounded_once(dtype: torch.dtype):
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(64, 48, generator=generator)
    changes = [
        (LowRank(torch.randn(64, 4, generator=generator), torch.randn(4, 48, generator=generator), 0.01), 0.7)
        for _ in range(3)
    ]
    exact = changed_weight(weight.to(dtype).float(), changes, torch.float32)
    made = changed_weight(weight.to(dtype), changes, dtype)
    assert made.dtype == dtype
    # Half a step of the format, and what rounding the small matrices adds.
    assert ((made.float() - exact).abs() <= exact.abs() * torch.finfo(dtype).eps + 2e-3).all()


def test_fewer_ranks_keep_the_scale_of_all():
    up, down = torch.ones(3, 4), torch.ones(4, 5)
    change = LowRank(up, down, 0.5).limited(1)
    assert torch.equal(change.delta(torch.zeros(3, 5)), torch.full((3, 5), 0.5))


@pytest.mark.parametrize("shape", [(32, 25), (31, 24), (24, 32), (32,), (32, 24, 3, 3)])
@pytest.mark.parametrize("kind", [name for name in KINDS if "ia3" not in name and "oft" not in name])
def test_a_change_of_another_shape_does_not_fit(kind: str, shape: tuple[int, ...]):
    build, options = KINDS[kind]
    module = build("layer", LAYERS["linear"](), **{"lora_dim": 4, "alpha": 2.0} | options)
    change = change_of(saved(module), 32).weight
    assert not change.fits(torch.Size(shape))


@pytest.mark.parametrize("kind", ["oft", "boft"])
def test_a_rotation_of_outputs_fits_whatever_the_inputs_are(kind: str):
    build, options = KINDS[kind]
    change = change_of(saved(build("layer", LAYERS["linear"](), **options)), 32).weight
    fits = {shape: change.fits(torch.Size(shape)) for shape in [(32, 5), (32, 4, 3, 3), (31, 5), (32,)]}
    assert list(fits.values()) == [True, True, False, False]
