"""Every tensor of a LoRA of real size is matched, in everybody's names: diffusers' own modules give them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.models.real_size import diffusers_layers, layers_of, original_layers, text_layers
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.models.loras.lora import match_lora
from webui.models.loras.lora_keys import sort_tensors

FAMILIES = (Family.SD1, Family.SD2, Family.SDXL)
FILE = ModelFile(
    path=Path("lora.safetensors"),
    name="lora.safetensors",
    kind=ModelKind.LORA,
    family=Family.SDXL,
    size=0,
    mtime_ns=0,
)
RANK = 4
Layers = Iterable[tuple[str, nn.Module]]
Ends = Callable[[nn.Module], dict[str, tuple[int, ...]]]


def matched(family: Family, tensors: dict[str, Tensor]) -> int:
    """How many layers a file changes; each of its tensors must be used."""
    lora = match_lora(FILE, sort_tensors(tensors), layers_of(family))
    assert lora.report.unmatched == ()
    assert lora.report.matched == len(tensors)
    return len(lora.changes)


def spelled(layers: Layers, ends: Ends, name: Callable[[str], str]) -> dict[str, Tensor]:
    """A file's tensors: the end's shapes behind each layer's name."""
    return {
        f"{name(layer)}.{end}": torch.empty(shape, device="meta") if shape else torch.tensor(1.0)
        for layer, module in layers
        for end, shape in ends(module).items()
    }


def pair(down: str, up: str, alpha: str = "") -> Ends:
    """A LoRA's matrices by the ends of their names."""

    def ends(module: nn.Module) -> dict[str, tuple[int, ...]]:
        rows, *columns = module.weight.shape
        kernel = (1,) * (module.weight.ndim - 2)
        found = {down: (RANK, *columns), up: (rows, RANK, *kernel)}
        return found | ({alpha: ()} if alpha else {})

    return ends


KOHYA = pair("lora_down.weight", "lora_up.weight", "alpha")
PEFT = pair("lora_A.weight", "lora_B.weight")
NAMED = pair("lora_A.default.weight", "lora_B.default.weight")
OLD = pair("lora.down.weight", "lora.up.weight")


def loha(module: nn.Module) -> dict[str, tuple[int, ...]]:
    rows, columns = module.weight.flatten(1).shape
    return {
        "hada_w1_a": (rows, RANK), "hada_w1_b": (RANK, columns), "hada_w2_a": (rows, RANK),
        "hada_w2_b": (RANK, columns), "alpha": (),
    }  # fmt: skip


def dora(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return KOHYA(module) | {"dora_scale": (module.weight.shape[0], 1, *[1] * (module.weight.ndim - 2))}


def peft_dora(module: nn.Module) -> dict[str, tuple[int, ...]]:
    # PEFT keeps the lengths of a convolution along its second side.
    rows, is_image = module.weight.shape[0], module.weight.ndim > 2
    return PEFT(module) | {"lora_magnitude_vector": (1, rows, 1, 1) if is_image else (rows,)}


def full(module: nn.Module) -> dict[str, tuple[int, ...]]:
    bias = {} if module.bias is None else {"diff_b": tuple(module.bias.shape)}
    return {"diff": tuple(module.weight.shape)} | bias


def flat(prefix: str) -> Callable[[str], str]:
    """As kohya: dots become "_"."""
    return lambda layer: prefix + layer.replace(".", "_")


def dotted(prefix: str) -> Callable[[str], str]:
    return lambda layer: prefix + layer


NETWORK_SPELLINGS: dict[str, tuple[Ends, Callable[[str], str]]] = {
    "kohya": (KOHYA, flat("lora_unet_")),
    "kohya LoHa": (loha, flat("lora_unet_")),
    "kohya DoRA": (dora, flat("lora_unet_")),
    "kohya full": (full, flat("lora_unet_")),
    "LyCORIS": (KOHYA, flat("lycoris_")),
    "LyCORIS, network named": (KOHYA, flat("lycoris_unet_")),
    "diffusers": (PEFT, dotted("unet.")),
    "diffusers with kohya's ends": (KOHYA, dotted("unet.")),
    "diffusers with the adapter's name": (NAMED, dotted("unet.")),
    "diffusers before PEFT": (OLD, dotted("unet.")),
    "diffusers without prefix": (PEFT, dotted("")),
    "diffusers DoRA": (peft_dora, dotted("unet.")),
    "PEFT": (PEFT, dotted("base_model.model.")),
    "PEFT of a pipeline": (PEFT, dotted("base_model.model.unet.")),
    "PEFT inside a pipeline": (PEFT, dotted("unet.base_model.model.")),
    "PEFT LoHa": (lambda module: {f"{end}.default": shape for end, shape in loha(module).items()},
                  dotted("base_model.model.")),
    "OneTrainer": (KOHYA, dotted("lora_unet.")),
}  # fmt: skip
ORIGINAL_SPELLINGS: dict[str, tuple[Ends, Callable[[str], str]]] = {
    "kohya of SDXL": (KOHYA, flat("lora_unet_")),
    "ai-toolkit": (PEFT, dotted("diffusion_model.")),
    "Comfy": (KOHYA, dotted("diffusion_model.")),
    "original": (PEFT, dotted("model.diffusion_model.")),
    "OneTrainer": (dora, dotted("unet.")),
    "LyCORIS": (loha, flat("lycoris_")),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("spelling", NETWORK_SPELLINGS)
def test_every_layer_of_the_unet_is_found_by_diffusers_name(spelling: str, family: Family):
    layers = diffusers_layers(family)
    assert matched(family, spelled(layers, *NETWORK_SPELLINGS[spelling])) == len(layers)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("spelling", ORIGINAL_SPELLINGS)
def test_every_layer_of_the_unet_is_found_by_its_first_name(spelling: str, family: Family):
    layers = original_layers(family)
    assert matched(family, spelled(layers, *ORIGINAL_SPELLINGS[spelling])) == len(layers)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("prefix", ["", "unet."])
@pytest.mark.parametrize("out", ["to_out", "to_out.0"])
def test_every_layer_of_attention_is_found_by_the_names_of_processors(family: Family, prefix: str, out: str):
    layers = [
        (name, module)
        for name, module in diffusers_layers(family)
        if name.endswith(("to_q", "to_k", "to_v", "to_out.0"))
    ]

    def name(layer: str) -> str:
        return prefix + layer.replace(".to_", ".processor.to_").replace("to_out.0", out) + "_lora"

    assert matched(family, spelled(layers, pair("down.weight", "up.weight"), name)) == len(layers)


def text_spellings(family: Family, number: int) -> dict[str, tuple[Ends, Callable[[str], str]]]:
    second = "_2" if number == 2 else ""
    comfy = "clip_h" if family is Family.SD2 else ("clip_l", "clip_g")[number - 1]
    found = {
        "kohya": (KOHYA, flat(f"lora_te{number}_" if family is Family.SDXL else "lora_te_")),
        "OneTrainer": (KOHYA, flat(f"lora_te{number}_")),
        "OneTrainer, dotted": (KOHYA, dotted(f"{comfy}.")),
        "LyCORIS": (loha, flat(f"lycoris_te{number}_" if family is Family.SDXL else "lycoris_te_")),
        "diffusers": (PEFT, dotted(f"text_encoder{second}.")),
        "diffusers before PEFT": (
            pair("lora_linear_layer.down.weight", "lora_linear_layer.up.weight"),
            dotted(f"text_encoder{second}."),
        ),
        "newer transformers": (
            PEFT, lambda layer: f"text_encoder{second}.{layer.removeprefix('text_model.')}"
        ),
        "PEFT of a pipeline": (NAMED, dotted(f"base_model.model.text_encoder{second}.")),
        "PEFT inside a pipeline": (PEFT, dotted(f"text_encoder{second}.base_model.model.")),
        "Comfy": (KOHYA, dotted(f"text_encoders.{comfy}.transformer.")),
    }  # fmt: skip
    return found if number == 2 else found | {"PEFT": (PEFT, dotted("base_model.model."))}


TEXTS = [(Family.SD1, 1), (Family.SD2, 1), (Family.SDXL, 1), (Family.SDXL, 2)]


@pytest.mark.parametrize(
    ("family", "number", "spelling"),
    [(*text, spelling) for text in TEXTS for spelling in text_spellings(*text)],
)
def test_every_layer_of_a_text_encoder_is_found(family: Family, number: int, spelling: str):
    layers = text_layers(family, number)
    assert matched(family, spelled(layers, *text_spellings(family, number)[spelling])) == len(layers)


@pytest.mark.parametrize(("family", "number"), TEXTS)
def test_attention_of_a_text_encoder_is_found_by_the_names_of_processors(family: Family, number: int):
    layers = [(name, module) for name, module in text_layers(family, number) if "self_attn" in name]
    old = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}

    def name(layer: str) -> str:
        before, _, last = layer.rpartition(".")
        return f"text_encoder{'_2' if number == 2 else ''}.{before}.{old[last]}_lora"

    assert matched(family, spelled(layers, pair("down.weight", "up.weight"), name)) == len(layers)
