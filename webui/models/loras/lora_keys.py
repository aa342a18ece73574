"""Names in LoRA files: which layer a tensor is for, and which part of the change it is.

kohya joins the layer's name with "_" behind lora_unet_, lora_te_ and the like; diffusers, PEFT, OneTrainer
and ai-toolkit keep its dots, behind unet., text_encoder., base_model.model. and others. Dots are taken for
"_" here, so that one table of layers serves them all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from torch import Tensor

# Ends of tensor names in the spellings of trainers, and what they are called here.
_PART = re.compile(
    r"""(?P<layer>.+?)(?:
        \.(?P<up>lora_up(?:\.\w+)?|lora_B(?:\.\w+)?|lora\.up|lora_linear_layer\.up)(?:\.weight)?
      | \.(?P<down>lora_down(?:\.\w+)?|lora_A(?:\.\w+)?|lora\.down|lora_linear_layer\.down)(?:\.weight)?
      | \.(?P<mid>lora_mid)\.weight
      | \.(?P<magnitude>lora_magnitude_vector)(?:\.\w+)*
      | \.(?P<oft_r>oft_R)(?:\.\w+)?\.weight
      | \.(?P<scaled_oft>oft_R\.scaled_oft)
      | \.(?P<ia3_l>ia3_l)(?:\.\w+)?
      | (?P<processor>_lora)\.(?P<direction>up|down)\.weight
      | \.(?P<other>alpha|scale|dora_scale|rescale|hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t[12])
          |oft_blocks|oft_diag|diff|diff_b|w_norm|b_norm|on_input|bias|(?:a1|a2|b1|b2|bm)\.weight|weight)
        (?:\.default)?
    )""",
    re.VERBOSE,
)
PLAIN_PARTS = ("up", "down", "mid", "magnitude", "oft_r", "scaled_oft", "ia3_l")
BUNDLED = "bundle_emb"
# What PEFT writes before the names of a network's or text encoder's layers, or between them and the part's.
_PEFT_WRAPPER = "base_model_model_"
_OLD_TEXT_LAYERS = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "unet": (
            "lora_unet_", "oft_unet_", "lycoris_unet_", "unet_", "diffusion_model_", "model_diffusion_model_",
            "lycoris_", "",
        ),
        "text 1": (
            "lora_te_", "lora_te1_", "oft_te_", "oft_te1_", "lycoris_te_", "lycoris_te1_", "text_encoder_",
            "te_", "te1_", "clip_l_", "clip_l_transformer_", "text_encoders_clip_l_transformer_", "clip_h_",
            "clip_h_transformer_", "text_encoders_clip_h_transformer_", "cond_stage_model_transformer_",
            "conditioner_embedders_0_transformer_", "lycoris_", "",
        ),
        "text 2": (
            "lora_te2_", "oft_te2_", "lycoris_te2_", "text_encoder_2_", "te2_", "clip_g_",
            "clip_g_transformer_", "text_encoders_clip_g_transformer_",
        ),
    }
)  # fmt: skip
Found = TypeVar("Found")


@dataclass(slots=True)
class LayerTensors:
    """The tensors of one layer by part, and their names in the file."""

    parts: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    keys: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class SortedTensors:
    """A LoRA file's tensors: by layer (dots written "_"), embeddings that came along, and the rest."""

    layers: dict[str, LayerTensors]
    embeddings: dict[str, dict[str, Tensor]]
    unknown: tuple[str, ...]


def sort_tensors(tensors: Mapping[str, Tensor]) -> SortedTensors:
    """Read the names of a LoRA file."""
    layers: dict[str, LayerTensors] = {}
    embeddings: dict[str, dict[str, Tensor]] = {}
    unknown: list[str] = []
    for key, tensor in tensors.items():
        if key.startswith(f"{BUNDLED}."):
            name, _, vector = key.removeprefix(f"{BUNDLED}.").partition(".")
            embeddings.setdefault(name, {})[vector] = tensor
            continue
        found = layer_and_part(key)
        if found is None:
            unknown.append(key)
            continue
        layer = layers.setdefault(found[0], LayerTensors())
        layer.parts[found[1]] = tensor
        layer.keys.append(key)
    return SortedTensors(layers, embeddings, tuple(unknown))


def layer_and_part(key: str) -> tuple[str, str] | None:
    """The layer (dots written "_") and the part of a tensor's name; None if it is no adapter's."""
    found = _PART.fullmatch(key)
    if found is None:
        return None
    layer = found["layer"]
    if found["processor"]:
        layer, part = _processor_layer(layer), found["direction"]
    elif found["other"]:
        part = found["other"].removesuffix(".weight")
        # IA3's only tensor is the plain "weight".
        part = part if part != "weight" else "ia3"
    else:
        part = next(name for name in PLAIN_PARTS if found[name])
    return layer.replace(".", "_"), part


def _processor_layer(layer: str) -> str:
    """`attn1.processor.to_q` to `attn1.to_q`; in text encoders `self_attn.to_q` to `self_attn.q_proj`."""
    before, _, last = layer.replace(".processor.", ".").rpartition(".")
    return f"{before}.{_OLD_TEXT_LAYERS.get(last, last) if before.endswith('self_attn') else last}"


class LayerNames(Generic[Found]):
    """Finds layers by the many ways in which files write them."""

    def __init__(self, parts: Mapping[str, Mapping[str, Found]]) -> None:
        """`parts` maps "unet", "text 1" and "text 2" to their layers, by any of their names."""
        self._layers = {
            part: {name.replace(".", "_"): layer for name, layer in layers.items()}
            for part, layers in parts.items()
        }

    def find(self, written: str) -> Found | None:
        """The layer of a name whose dots are written "_"."""
        written = written.replace(_PEFT_WRAPPER, "", 1)
        for part, prefixes in PREFIXES.items():
            layers = self._layers.get(part, {})
            for prefix in prefixes:
                if written.startswith(prefix) and (found := layers.get(written[len(prefix) :])) is not None:
                    return found
        return None
