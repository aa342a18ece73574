"""A LoRA file on a checkpoint: which layers it changes, and how; what of it fits nowhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from webui.core.events import LoraReport
from webui.core.model_file import Family, ModelFile
from webui.diffusion.adapters.weight_changes import Decomposed, FirstChannels, LowRank, WeightChange
from webui.diffusion.text_encoder import TextEncoder
from webui.models.files.tensors import open_tensors
from webui.models.loras.lora_changes import LayerChange, read_change
from webui.models.loras.lora_keys import LayerNames, LayerTensors, SortedTensors, sort_tensors
from webui.models.loras.lora_scales import LoraScales
from webui.models.loras.patched_weights import Recipe, Slot
from webui.models.unet import UNet

LATENT_CHANNELS = 4
UNET = "unet"
# Begins no name in the U-Net.
TEXT = "text"
NO_SCALES = LoraScales()


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer of a checkpoint, the part it belongs to, and the format that computes in."""

    part: str
    module: nn.Module
    dtype: torch.dtype
    # In the original code; empty for text encoders.
    name: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it is a text encoder's."""
        return self.part != UNET

    def slot(self, name: str) -> Slot:
        """Its weight or bias."""
        return Slot(self.module, name, self.dtype)


@dataclass(eq=False)
class Lora:
    """A LoRA matched to one checkpoint."""

    file: ModelFile
    changes: Mapping[Layer, LayerChange]
    embeddings: Mapping[str, Mapping[str, Tensor]]
    report: LoraReport
    _by_rank: dict[int | None, Mapping[Layer, LayerChange]] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the changes by how many ranks are used."""
        self._by_rank = {None: self.changes}

    @property
    def has_text(self) -> bool:
        """Whether it changes a text encoder."""
        return any(layer.is_text for layer in self.changes)

    def limited(self, rank: int | None) -> Mapping[Layer, LayerChange]:
        """The changes with so many ranks; the same objects at each call, so that nothing is done twice."""
        if rank not in self._by_rank:
            self._by_rank[rank] = {
                layer: replace(change, weight=limit_strength(change.weight, rank))
                for layer, change in self.changes.items()
            }
        return self._by_rank[rank]


@dataclass(frozen=True, slots=True)
class WeightedLora:
    """A LoRA with the artist's weights. `layers` and `steps` are those of LoraChoice; the steps are not kept
    to here, but by whoever changes what is applied while it is sampled.
    """

    lora: Lora
    text_weight: float
    unet_weight: float
    rank: int | None = None
    layers: tuple[tuple[str, float], ...] = ()
    steps: tuple[int, int] | None = None

    def strength(self, layer: Layer) -> float:
        """Of its change to one layer."""
        weight = self.text_weight if layer.is_text else self.unet_weight
        name = TEXT if layer.is_text else layer.name
        found = [each for each in self.layers if name.startswith(each[0])]
        return weight * max(found, key=lambda each: len(each[0]))[1] if found else weight


def limit_strength(change: WeightChange | None, rank: int | None) -> WeightChange | None:
    """A change with its first ranks only, where it has ranks."""
    if isinstance(change, LowRank):
        return change.limited(rank)
    if isinstance(change, Decomposed) and isinstance(change.change, LowRank):
        return replace(change, change=change.change.limited(rank))
    return change


def recipes(loras: Iterable[WeightedLora]) -> dict[Slot, Recipe]:
    """What all of them together do, in their order. Weights of 0 do nothing."""
    found: dict[Slot, list[tuple[WeightChange, float]]] = {}
    for each in loras:
        for layer, change in each.lora.limited(each.rank).items():
            strength = each.strength(layer)
            for name, part in (("weight", change.weight), ("bias", change.bias)):
                if part is not None and strength:
                    found.setdefault(layer.slot(name), []).append((part, strength))
    return {slot: tuple(changes) for slot, changes in found.items()}


def layer_names(network: UNet, text_encoder: TextEncoder, text_dtype: torch.dtype) -> LayerNames[Layer]:
    """The layers of a checkpoint by every name they have."""
    parts: dict[str, dict[str, Layer]] = {UNET: {}}
    for name, module in changeable(network.unet):
        original = network.original_names.get(name, name)
        layer = Layer(UNET, module, network.dtype, original)
        for known in (name, original, *other_names(name)):
            parts[UNET][known] = layer
    # The refiner's only text encoder is SDXL's second.
    first = 2 if text_encoder.towers[0].reading.gives_pooled and len(text_encoder.towers) == 1 else 1
    for number, tower in enumerate(text_encoder.towers, start=first):
        layers = parts.setdefault(f"text {number}", {})
        for name, module in changeable(tower.text_model):
            layers[name] = layers[f"text_model.{name}"] = Layer(f"text {number}", module, text_dtype)
        if tower.text_projection is not None:
            layers["text_projection"] = Layer(f"text {number}", tower.text_projection, text_dtype)
    return LayerNames(parts)


def other_names(name: str) -> Iterable[str]:
    """What a layer of the U-Net is called where diffusers' name for it differs."""
    # The extra embedding of SDXL takes the whole vector here, as in the original code.
    if name.startswith("class_embedding."):
        yield name.replace("class_embedding.", "add_embedding.", 1)
    # Before PEFT, the layer stood for the list that holds it and its dropout.
    if name.endswith(".to_out.0"):
        yield name.removesuffix(".0")


def changeable(module: nn.Module) -> Iterable[tuple[str, nn.Module]]:
    """The layers below a module that have a weight, by name."""
    for name, layer in module.named_modules():
        if isinstance(layer._parameters.get("weight"), nn.Parameter):
            yield name, layer


def load_lora(file: ModelFile, names: LayerNames[Layer]) -> Lora:
    """Read a LoRA file and match it. Raises UnusableFile."""
    tensors = sort_tensors(open_tensors(file.path))
    return match_lora(file, tensors, names, LoraScales.read(file.path))


def match_lora(
    file: ModelFile, tensors: SortedTensors, names: LayerNames[Layer], scales: LoraScales = NO_SCALES
) -> Lora:
    """A file's tensors matched to a checkpoint's layers; `scales` are those that its metadata tell."""
    changes: dict[Layer, LayerChange] = {}
    unmatched, matched = list(tensors.unknown), 0
    for name, given in tensors.layers.items():
        layer = names.find(name)
        change = None if layer is None else fit_change(scale_change(given, scales, layer, name), layer.module)
        if layer is None or change is None:
            unmatched += given.keys
        else:
            changes[layer] = change
            matched += len(given.keys)
    matched += sum(len(vectors) for vectors in tensors.embeddings.values())
    text_layers = sum(layer.is_text for layer in changes)
    report = LoraReport(
        name=file.stem,
        made_for="" if file.family in {Family.UNKNOWN, Family.OTHER} else file.family.value,
        matched=matched,
        unmatched=tuple(unmatched),
        unet_layers=len(changes) - text_layers,
        text_layers=text_layers,
    )
    return Lora(file, changes, tensors.embeddings, report)


def scale_change(given: LayerTensors, scales: LoraScales, layer: Layer, name: str) -> LayerTensors:
    """A layer's tensors with the scale from the metadata, if they bring none of their own."""
    down = given.parts.get("down")
    if down is None or {"alpha", "scale"} & given.parts.keys():
        return given
    scale = scales.scale(layer.part, name, down.shape[0])
    if scale is None:
        return given
    return replace(given, parts=given.parts | {"scale": torch.tensor(scale)})


def fit_change(given: LayerTensors, module: nn.Module) -> LayerChange | None:
    """What a layer's tensors do, if they fit it."""
    weight = module.get_parameter("weight")
    change = read_change(given.parts, weight.shape[0])
    if change is None:
        return None
    bias_shape = torch.Size((weight.shape[0],))
    if change.bias is not None and not change.bias.fits(bias_shape):
        return None
    if change.weight is None or change.weight.fits(weight.shape):
        return change
    narrow = FirstChannels(change.weight, LATENT_CHANNELS)
    if weight.ndim > 1 and weight.shape[1] > LATENT_CHANNELS and narrow.fits(weight.shape):
        return replace(change, weight=narrow)
    return None
