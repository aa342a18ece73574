"""How strong a LoRA is where only its metadata tells, as diffusers writes it."""

import json
from pathlib import Path

import pytest
import torch
from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY, _pack_dict_with_prefix
from safetensors.torch import save_file

from webui.models.loras.lora_changes import read_change
from webui.models.loras.lora_keys import sort_tensors
from webui.models.loras.lora_scales import SETTINGS, LoraScales

LAYER = "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
RANK = 8


def scales(tmp_path: Path, settings: object) -> LoraScales:
    path = tmp_path / "lora.safetensors"
    written = settings if isinstance(settings, str) else json.dumps(settings, indent=2, sort_keys=True)
    save_file({"a": torch.zeros(1)}, path, {SETTINGS: written})
    return LoraScales.read(path)


def test_the_settings_stand_where_diffusers_puts_them() -> None:
    assert SETTINGS == LORA_ADAPTER_METADATA_KEY


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({"r": 8, "lora_alpha": 16}, 2.0),
        ({"r": 8, "lora_alpha": 16, "use_rslora": True}, 16 / 8**0.5),
        ({"r": 8, "lora_alpha": 16, "alpha_pattern": {"attn1.to_q": 4}}, 0.5),
        ({"r": 8, "lora_alpha": 16, "alpha_pattern": {"attn2.to_q": 4, "n1.to_q": 4}}, 2.0),
        ({"r": 8}, None),
        ({"r": 8, "lora_alpha": "much"}, None),
        ({"r": 8, "lora_alpha": True}, None),
        ({"r": 8, "lora_alpha": 10**400}, None),
    ],
)
def test_the_scale_is_alpha_over_the_rank_or_its_root(
    tmp_path: Path, settings: dict[str, object], scale: float | None
) -> None:
    for named in (settings, _pack_dict_with_prefix(settings, "unet")):
        assert scales(tmp_path, named).scale("unet", LAYER, RANK) == pytest.approx(scale)
    # What is said of the U-Net is not said of the text encoders.
    packed = scales(tmp_path, _pack_dict_with_prefix(settings, "unet"))
    assert packed.scale("text 1", LAYER, RANK) is None


def test_each_text_encoder_has_its_own_settings(tmp_path: Path) -> None:
    found = scales(tmp_path, {"text_encoder.lora_alpha": 4, "text_encoder_2.lora_alpha": 2})
    assert (found.scale("text 1", "x", 4), found.scale("text 2", "x", 4)) == (1.0, 0.5)


@pytest.mark.parametrize("written", ["", "no JSON", "[1, 2]", "[" * 100_000, '{"lora_alpha": NaN}', "null"])
def test_other_things_in_that_place_say_nothing(tmp_path: Path, written: str) -> None:
    assert scales(tmp_path, written).scale("unet", LAYER, RANK) is None


def test_a_pickle_and_a_file_that_is_gone_say_nothing(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "lora.pt")
    for name in ("lora.pt", "gone.safetensors"):
        assert LoraScales.read(tmp_path / name).settings == {}


def peft(parts: dict[str, torch.Tensor], weight: torch.Tensor) -> torch.Tensor:
    """A weight changed by tensors in PEFT's names."""
    (layer,) = sort_tensors(
        {f"base_model.model.layer.{end}": value for end, value in parts.items()}
    ).layers.values()
    change = read_change(layer.parts, weight.shape[0])
    assert change is not None
    assert change.weight is not None
    assert change.weight.fits(weight.shape)
    return weight + change.weight.delta(weight)


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(6, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("is_input", [True, False])
def test_ia3_of_peft_multiplies_inputs_or_outputs(weight: torch.Tensor, is_input: bool) -> None:
    factors = torch.linspace(0.5, 2, 12 if is_input else 6)
    given = torch.randn(3, 12, generator=torch.Generator().manual_seed(2))
    written = factors[None] if is_input else factors[:, None]
    expected = (given * factors) @ weight.T if is_input else (given @ weight.T) * factors
    torch.testing.assert_close(given @ peft({"ia3_l": written}, weight).T, expected)


@pytest.mark.parametrize("blocks", [3, 1])
def test_oft_of_peft_turns_what_goes_in(weight: torch.Tensor, blocks: int) -> None:
    side = 4
    generators = torch.randn(blocks, 6, generator=torch.Generator().manual_seed(3)) * 0.01
    turns = []
    for upper in generators:
        skew = torch.zeros(side, side)
        skew[*torch.triu_indices(side, side, 1)] = upper
        skew = skew - skew.T
        # Cayley's rotation, which the series of training comes near to.
        turns.append((torch.eye(side) + skew) @ torch.linalg.inv(torch.eye(side) - skew))
    turn = torch.block_diag(*(turns if blocks == 3 else turns * 3))
    given = torch.randn(5, 12, generator=torch.Generator().manual_seed(4))
    made = peft({"oft_R.weight": generators}, weight)
    torch.testing.assert_close(given @ made.T, given @ turn @ weight.T, rtol=1e-5, atol=1e-5)
    assert (made - weight).abs().max() > 1e-3


def test_onetrainers_scaled_oft_is_the_smaller_rotation(weight: torch.Tensor) -> None:
    generators = torch.randn(3, 6, generator=torch.Generator().manual_seed(3)) * 0.01
    scaled = peft({"oft_R.weight": generators * 2 * 3**0.5, "oft_R.scaled_oft": torch.ones(1)}, weight)
    torch.testing.assert_close(scaled, peft({"oft_R.weight": generators}, weight))


@pytest.mark.parametrize("name", ["lora_magnitude_vector", "lora_magnitude_vector.default.weight"])
def test_dora_of_peft_has_a_length_for_each_output_of_a_convolution(name: str) -> None:
    generator = torch.Generator().manual_seed(5)
    # As many inputs as outputs, so that the shape does not tell which are meant.
    weight, lengths = torch.randn(8, 8, 3, 3, generator=generator), torch.linspace(1, 2, 8)
    up, down = torch.randn(8, 2, 1, 1, generator=generator), torch.randn(2, 8, 3, 3, generator=generator)
    made = peft({"lora_A.weight": down, "lora_B.weight": up, name: lengths.reshape(1, 8, 1, 1)}, weight)
    torch.testing.assert_close(made.flatten(1).norm(dim=1), lengths)
