"""A checkpoint in the layout of the original single file: trained parts from memory, all else as it was."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from webui.core.errors import UnusableFile
from webui.core.model_file import Family
from webui.diffusion.text_encoder import TextTower
from webui.library.files.headers import read_header
from webui.library.recognise.checkpoint_layouts import Layout, find_layout
from webui.models.architectures.clip import OUTER_NAMES, RESBLOCK_NAMES
from webui.models.files.tensors import open_tensors, part_of
from webui.training.methods.streaming import WrittenTensor
from webui.training.methods.vae_names import to_original_vae
from webui.training.networks import TrainingNetworks

UNET, VAE = "model.diffusion_model.", "first_stage_model."
# Where each family's text encoders lie in a single file, and whether under OpenCLIP's names.
TEXT: Mapping[Family, tuple[tuple[str, bool], ...]] = {
    Family.SD1: (("cond_stage_model.transformer.text_model.", False),),
    Family.SD2: (("cond_stage_model.model.", True),),
    Family.SDXL: (("conditioner.embedders.0.transformer.text_model.", False),
                  ("conditioner.embedders.1.model.", True)),
    Family.SDXL_REFINER: (("conditioner.embedders.0.model.", True),),
}  # fmt: skip
_QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


@dataclass(frozen=True, slots=True)
class TrainedParts:
    """What a run changed, and the numbers that it is written in."""

    unet: bool
    text: bool
    dtype: torch.dtype


def written_tensors(networks: TrainingNetworks, trained: TrainedParts) -> list[WrittenTensor]:
    """Every tensor of the whole checkpoint. Raises UnusableFile where the source is gone or damaged.

    What was not trained has the source's numbers, bit by bit.
    """
    path = networks.model.file.path
    layout = find_layout(read_header(path))
    if layout is None:
        raise UnusableFile(
            f"{path.name} is no longer the checkpoint that was trained, so it cannot be saved."
        )
    source = open_tensors(path)
    found = {each.name: each for each in _kept(source, layout)}
    if trained.unet or layout.names != "original":
        dtype = trained.dtype if trained.unet else None
        found |= {each.name: each for each in _unet(networks, dtype)}
    if trained.text or layout.names != "original":
        dtype = trained.dtype if trained.text else None
        found |= {each.name: each for each in _text(networks, dtype, found)}
    return list(found.values())


def _kept(source: Mapping[str, Tensor], layout: Layout) -> Iterator[WrittenTensor]:
    """What the file holds; of diffusers' layout the VAE alone, under the original names."""
    if layout.names == "original":
        for name, tensor in source.items():
            # A network without its prefix is no whole checkpoint, and is not trained.
            yield _as_it_is(name, tensor)
        return
    inside = part_of(source, layout.vae) if layout.vae else {}
    for name, tensor in to_original_vae(inside).items():
        yield _as_it_is(VAE + name, tensor)


def _as_it_is(name: str, tensor: Tensor) -> WrittenTensor:
    return WrittenTensor(name, tuple(tensor.shape), tensor.dtype, lambda: tensor)


def _from_memory(
    name: str, tensor: Tensor, dtype: torch.dtype | None, make: Callable[[], Tensor] | None = None
) -> WrittenTensor:
    return WrittenTensor(name, tuple(tensor.shape), dtype or tensor.dtype, make or (lambda: tensor))


def _unet(networks: TrainingNetworks, dtype: torch.dtype | None) -> Iterator[WrittenTensor]:
    originals = networks.model.network.original_names
    for name, tensor in networks.unet.state_dict().items():
        module, _, end = name.rpartition(".")
        yield _from_memory(f"{UNET}{originals[module]}.{end}", tensor, dtype)


def _text(
    networks: TrainingNetworks, dtype: torch.dtype | None, kept: Mapping[str, WrittenTensor]
) -> Iterator[WrittenTensor]:
    places = TEXT[networks.family]
    for tower, (prefix, is_open_clip) in zip(networks.model.text_encoder.towers, places, strict=True):
        tensors = open_clip_tensors(tower) if is_open_clip else clip_tensors(tower)
        # SD1's first files lack the second half of the prefix.
        short = prefix.removesuffix("text_model.")
        name = "embeddings.position_embedding.weight"
        start = short if f"{short}{name}" in kept else prefix
        for end, make in tensors:
            yield _from_memory(start + end, make(), dtype, make)


def clip_tensors(tower: TextTower) -> Iterable[tuple[str, Callable[[], Tensor]]]:
    """A text encoder's tensors under transformers' names."""
    for name, tensor in tower.text_model.state_dict().items():
        yield name, partial(_same, tensor)


def open_clip_tensors(tower: TextTower) -> Iterable[tuple[str, Callable[[], Tensor]]]:
    """A text encoder's tensors under OpenCLIP's names: keys, queries and values in one."""
    state = tower.text_model.state_dict()
    yield from ((name, partial(_same, state[own])) for name, own in OUTER_NAMES.items())
    for number, layer in enumerate(tower.text_model.encoder.layers):
        prefix = f"transformer.resblocks.{number}"
        yield from _resblock(prefix, layer)
    if tower.text_projection is not None:
        yield "text_projection", partial(torch.t, tower.text_projection.weight.detach())


def _resblock(prefix: str, layer: nn.Module) -> Iterable[tuple[str, Callable[[], Tensor]]]:
    state = layer.state_dict()
    for end in ("weight", "bias"):
        yield f"{prefix}.attn.in_proj_{end}", partial(_joined, [state[f"{name}.{end}"] for name in _QKV])
        for name, own in RESBLOCK_NAMES.items():
            yield f"{prefix}.{name}.{end}", partial(_same, state[f"{own}.{end}"])


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat(tensors)
