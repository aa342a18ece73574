"""Which layers are trained, and what kohya's files call them: in the sizes of the published networks."""

from typing import Any

import pytest
from torch import nn

from tests.models.real_size import diffusers_layers, network_of, original_layers, text_of
from webui.core.model_file import Family
from webui.training.methods.layers import TrainedLayer, block_of, text_layers, unet_layers

# Kohya's own counts of modules, which its trainer prints.
UNET_COUNTS = {Family.SD1: 192, Family.SD2: 192, Family.SDXL: 722}
TEXT_COUNTS = {Family.SD1: (72,), Family.SD2: (138,), Family.SDXL: (72, 192)}
FAMILIES = (Family.SD1, Family.SD2, Family.SDXL)


class NamedNetworks:
    """As much of a checkpoint as names come from, on no device."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.model = self
        self.network = network_of(family)
        self.text_encoder = text_of(family)
        self.is_sdxl = family == Family.SDXL

    @property
    def unet(self) -> nn.Module:
        """diffusers' U-Net."""
        return self.network.unet


def named_networks(family: Family) -> Any:
    """As networks of a run, of which only names are looked at."""
    return NamedNetworks(family)


@pytest.fixture(scope="module", params=FAMILIES)
def networks(request: pytest.FixtureRequest):
    return named_networks(request.param)


def expected_names(family: Family, *, convolutions: bool) -> set[str]:
    """From the definitions: diffusers' own network for SD1 and SD2, the original code's names for SDXL."""
    if family == Family.SDXL:
        layers = original_layers(family)
        outer = ("time_embed", "label_emb", "input_blocks.0.0", "out.")
        residual = ("in_layers", "emb_layers", "out_layers", "skip_connection", ".op", ".2.conv", ".1.conv")
    else:
        layers = diffusers_layers(family)
        outer = ("time_embedding", "conv_in", "conv_out")
        residual = (".resnets.", ".downsamplers.", ".upsamplers.")
    return {
        f"lora_unet_{name.replace('.', '_')}"
        for name, _ in layers
        if not name.startswith(outer) and (convolutions or not any(part in name for part in residual))
    }


@pytest.mark.parametrize("convolutions", [False, True])
def test_unet_layers_are_those_that_kohya_trains(networks, convolutions: bool) -> None:
    found = unet_layers(networks, convolutions=convolutions)
    names = {layer.name for layer in found}
    assert len(names) == len(found)
    assert names == expected_names(networks.family, convolutions=convolutions)
    if not convolutions:
        assert len(names) == UNET_COUNTS[networks.family]
        assert not any(layer.has_kernel for layer in found)


def test_text_layers_are_those_that_kohya_trains(networks) -> None:
    found = text_layers(networks, clip_skip=1)
    prefixes = ["lora_te1_", "lora_te2_"] if networks.is_sdxl else ["lora_te_"]
    counts = tuple(sum(layer.name.startswith(prefix) for layer in found) for prefix in prefixes)
    assert counts == TEXT_COUNTS[networks.family]
    ends = (
        "self_attn_q_proj",
        "self_attn_k_proj",
        "self_attn_v_proj",
        "self_attn_out_proj",
        "mlp_fc1",
        "mlp_fc2",
    )
    for prefix, count in zip(prefixes, counts, strict=True):
        assert {layer.name for layer in found if layer.name.startswith(prefix)} == {
            f"{prefix}text_model_encoder_layers_{number}_{end}"
            for number in range(count // 6)
            for end in ends
        }


def test_layers_that_nothing_reads_do_not_learn() -> None:
    sd1, sdxl = named_networks(Family.SD1), named_networks(Family.SDXL)

    def unread(layers: list[TrainedLayer]) -> set[str]:
        return {layer.name.split("_self")[0].split("_mlp")[0] for layer in layers if not layer.is_read}

    assert unread(text_layers(sd1, 1)) == set()
    assert unread(text_layers(sd1, 2)) == {"lora_te_text_model_encoder_layers_11"}
    assert unread(text_layers(sdxl, 1)) == {"lora_te1_text_model_encoder_layers_11"}


def test_blocks_are_those_of_the_original_code(networks) -> None:
    layers = unet_layers(networks, convolutions=True)
    blocks = {layer.block for layer in layers}
    count = 9 if networks.is_sdxl else 12
    expected = {f"IN{number:02}" for number in range(1, count)} | {
        f"OUT{number:02}" for number in range(count)
    }
    assert blocks == expected | {"M00"}
    assert block_of("input_blocks.4.1.proj_in") == "IN04"
    assert block_of("time_embed.0") == ""


def test_names_of_real_files() -> None:
    names = {layer.name for layer in unet_layers(named_networks(Family.SDXL), convolutions=True)}
    assert {
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        "lora_unet_input_blocks_3_0_op",
        "lora_unet_middle_block_1_transformer_blocks_9_ff_net_0_proj",
        "lora_unet_output_blocks_2_2_conv",
        "lora_unet_output_blocks_0_0_skip_connection",
    } <= names
