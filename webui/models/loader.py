"""A checkpoint on disk becomes a LoadedModel: built on no device from its shapes, then filled with its own
tensors.
"""

import logging
import math
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from webui.core.errors import UnusableFile
from webui.core.model_file import Family, ModelFile
from webui.diffusion.latents import LatentFormat
from webui.diffusion.prediction import PredictionKind
from webui.diffusion.text_encoder import TextEncoder, TextTower, VectorRule
from webui.library.files.headers import Header, read_header
from webui.library.recognise.checkpoint_layouts import Layout, TextPart, find_layout
from webui.library.recognise.dimensions import (
    clip_dimensions,
    diffusers_unet_dimensions,
    unet_dimensions,
    vae_dimensions,
)
from webui.library.recognise.identify import Identity, identify
from webui.library.recognise.yaml_sidecar import Sidecar, read_settings
from webui.models.architectures.clip import build_clip, to_transformers_clip
from webui.models.architectures.family_plan import FamilyPlan, TowerPlan, skipped_layers, text_heads
from webui.models.architectures.sd1 import SD1
from webui.models.architectures.sd2 import SD2
from webui.models.architectures.sdxl import SDXL, SDXL_REFINER
from webui.models.architectures.unet import build_unet, original_names, to_diffusers_unet
from webui.models.architectures.vae import build_vae, to_diffusers_vae
from webui.models.cpu.cpu_modules import speed_up
from webui.models.cpu.packed_layers import keep_unchanged, packed_bytes
from webui.models.cpu.precision import NumberFormats
from webui.models.files.noise_table import alphas_cumprod_in
from webui.models.files.tensors import fill, open_tensors, part_of, shapes_of
from webui.models.loras.applied_loras import NetworksInUse
from webui.models.unet import UNet, predicts_v
from webui.models.vae.taesd import TinyVae
from webui.models.vae.vae import Vae

logger = logging.getLogger(__name__)

PLANS: Mapping[Family, FamilyPlan] = {
    Family.SD1: SD1,
    Family.SD2: SD2,
    Family.SDXL: SDXL,
    Family.SDXL_REFINER: SDXL_REFINER,
}
TRAINING_STEPS = 1000


@dataclass(eq=False)
class LoadedModel:
    """A checkpoint in memory with its VAE, ready to sample.

    `alphas_cumprod` (1000,) float32 on the CPU is the file's own where it holds one. `vae_file` None: the VAE
    inside.
    """

    file: ModelFile
    vae_file: ModelFile | None
    family: Family
    network: UNet
    text_encoder: TextEncoder
    vae: Vae
    latent_format: LatentFormat
    prediction: PredictionKind
    alphas_cumprod: Tensor
    is_zero_snr: bool
    is_inpainting: bool
    numbers: NumberFormats
    device: torch.device
    messages: list[str] = field(default_factory=list)
    key: Hashable = None
    kept_vaes: dict[Hashable, Vae] = field(default_factory=dict)
    networks: NetworksInUse = field(init=False)
    # Stands in for the VAE where the request wants that.
    tiny_vae: TinyVae = field(default_factory=TinyVae)
    keeps_unchanged: bool = False

    def __post_init__(self) -> None:
        """No LoRAs yet."""
        self.networks = NetworksInUse(self.network, self.text_encoder, self.numbers.text)

    @property
    def text_key(self) -> Hashable:
        """What decides the text encoder's output besides prompt and options."""
        return (self.key if self.key is not None else id(self), self.networks.text_key)

    @property
    def is_sdxl(self) -> bool:
        """Whether it is SDXL or its refiner."""
        return self.family in {Family.SDXL, Family.SDXL_REFINER}

    def take_messages(self) -> list[str]:
        """What the user should hear (a fall back to 32 bits), once."""
        taken, self.messages[:] = list(self.messages), []
        return taken

    def modules(self) -> list[torch.nn.Module]:
        """Everything that holds weights."""
        return [self.network, *self.text_encoder.towers, self.vae.module]

    @property
    def size_bytes(self) -> int:
        """Memory its weights take, and the packed copies that were made of them so far."""
        stored = sum(p.numel() * p.element_size() for module in self.modules() for p in module.parameters())
        return stored + self.packed_bytes

    @property
    def packed_bytes(self) -> int:
        """Memory its packed copies take."""
        return sum(map(packed_bytes, self.modules()))

    def keep_unchanged(self, *, keep: bool) -> None:
        """Whether packed copies of unchanged weights are kept while LoRAs are in use."""
        if keep != self.keeps_unchanged:
            self.keeps_unchanged = keep
            for module in self.modules():
                keep_unchanged(module, keep=keep)


@dataclass(frozen=True, slots=True)
class CheckpointSource:
    """A checkpoint file, opened: where its parts lie, and what names, sidecar and choice of numbers say."""

    name: str
    layout: Layout
    identity: Identity
    tensors: Mapping[str, Tensor]
    sidecar: Sidecar
    numbers: NumberFormats
    device: torch.device

    @property
    def plan(self) -> FamilyPlan:
        """Rules of its family."""
        return PLANS[self.identity.family]


def load(
    file: ModelFile, numbers: NumberFormats, device: torch.device, vae_file: ModelFile | None = None
) -> LoadedModel:
    """Load a checkpoint, with another VAE than its own if `vae_file` is given."""
    start = time.perf_counter()
    source = open_checkpoint(file.path, numbers, device)
    messages: list[str] = []
    network = load_network(source, messages.append)
    text_encoder = load_text_encoder(source, network)
    latent_format = _latent_format(source)
    if vae_file is not None:
        vae_source = open_vae(vae_file.path, latent_format, numbers, device)
    else:
        vae_source = open_vae(file.path, latent_format, numbers, device, source.tensors)
    vae = build_vae_from(vae_source, messages.append)
    model = LoadedModel(
        file=file,
        vae_file=vae_file,
        family=source.identity.family,
        network=network,
        text_encoder=text_encoder,
        vae=vae,
        latent_format=latent_format,
        prediction=_prediction(source, network),
        alphas_cumprod=alphas_cumprod_in(source.tensors),
        is_zero_snr=source.identity.has_zero_snr,
        is_inpainting=source.identity.is_inpainting,
        numbers=numbers,
        device=device,
        messages=messages,
    )
    logger.info("Loaded %s in %.2f s", file.name, time.perf_counter() - start)
    return model


def open_checkpoint(path: Path, numbers: NumberFormats, device: torch.device) -> CheckpointSource:
    """Open a checkpoint; a file of another kind is refused with a sentence that says what it is."""
    header = read_header(path)
    identity, layout = identify(header), find_layout(header)
    if identity.reason is not None:
        raise UnusableFile(f"{path.name} cannot be used. {identity.reason}")
    if layout is None or identity.family not in PLANS:
        raise UnusableFile(
            f"{path.name} is no checkpoint but of the kind {identity.kind.value!r}. Choose a checkpoint."
        )
    if not layout.text_encoders:
        raise UnusableFile(
            f"{path.name} has no text encoder, so it cannot read prompts. Use the whole checkpoint."
        )
    return CheckpointSource(
        path.name, layout, identity, open_tensors(path), read_settings(path), numbers, device
    )


def stored_dtype(header: Header) -> torch.dtype:
    """Format that most of a checkpoint's network is stored in."""
    formats = {"F16": torch.float16, "BF16": torch.bfloat16}
    kinds = [info.dtype for info in header.tensors.values() if len(info.shape) > 1]
    return formats.get(max(set(kinds), key=kinds.count) if kinds else "F32", torch.float32)


def network_weights(header: Header) -> int:
    """How many numbers the network in a file has; 0 if it has none."""
    layout = find_layout(header)
    return sum(
        math.prod(info.shape)
        for name, info in header.tensors.items()
        if layout is not None and name.startswith(layout.network)
    )


def prepare(module: torch.nn.Module, numbers: NumberFormats) -> set[str]:
    """Rebuild an empty module if the numbers ask for speed; names of weights that stay as stored."""
    return speed_up(module, in_blocks=numbers.in_blocks) if numbers.packed else set()


def load_network(source: CheckpointSource, tell: Callable[[str], None]) -> UNet:
    """The U-Net of a checkpoint."""
    tensors = part_of(source.tensors, source.layout.network)
    if source.layout.names == "original":
        dimensions = unet_dimensions(shapes_of(tensors), source.name)
        tensors = to_diffusers_unet(tensors, dimensions)
    else:
        # SDXL's extra embedding takes the whole vector here, as the original code has it.
        tensors = {
            key.replace("add_embedding.", "class_embedding."): tensor for key, tensor in tensors.items()
        }
        dimensions = diffusers_unet_dimensions(shapes_of(tensors), source.name)
    heads = source.sidecar.heads or (None if source.sidecar.head_size else source.plan.unet_heads)
    unet = build_unet(
        dimensions, heads=heads, head_size=source.sidecar.head_size or source.plan.unet_head_size
    )
    numbers = source.numbers
    fill(
        unet,
        tensors,
        f"The U-Net in {source.name}",
        dtype=numbers.network,
        device=source.device,
        as_stored=prepare(unet, numbers),
    )
    return UNet(
        unet,
        channels_last=numbers.channels_last,
        falls_back=numbers.falls_back,
        tell=tell,
        original_names=original_names((name for name, _ in unet.named_modules()), dimensions),
    )


def load_text_encoder(source: CheckpointSource, network: UNet) -> TextEncoder:
    """The text encoders of a checkpoint, and what goes into SDXL's vector."""
    parts, plan = source.layout.text_encoders, source.plan
    if len(parts) < len(plan.towers):
        raise UnusableFile(
            f"{source.name} lacks one of its {len(plan.towers)} text encoders. Use the whole checkpoint."
        )
    towers = tuple(
        _load_tower(source, number, part, plan.towers[number]) for number, part in enumerate(parts)
    )
    if not plan.vector_numbers:
        return TextEncoder(towers)
    projection = towers[-1].text_projection
    pooled = projection.out_features if projection is not None else towers[-1].width
    told = network.vector_width - pooled
    if told <= 0 or told % plan.vector_numbers:
        raise UnusableFile(
            f"The U-Net in {source.name} does not fit its text encoders. It cannot be used here."
        )
    return TextEncoder(towers, VectorRule(told // plan.vector_numbers, plan.has_score))


def _load_tower(source: CheckpointSource, number: int, part: TextPart, plan: TowerPlan) -> TextTower:
    tensors = to_transformers_clip(part_of(source.tensors, part.prefix), part.names)
    dimensions = clip_dimensions(shapes_of(tensors), source.name)
    settings = source.sidecar.text_settings(number)
    if not plan.reading.gives_pooled:
        dimensions = replace(dimensions, projection=None)
    model, projection = build_clip(
        dimensions, text_heads(dimensions, settings), settings.hidden_act or plan.hidden_act
    )
    place, where = f"Text encoder {number + 1} in {source.name}", source.device
    stays = prepare(model, source.numbers)
    fill(model, tensors, place, dtype=source.numbers.text, device=where, as_stored=stays)
    model.embeddings.to(where)
    if projection is not None:
        fill(projection, part_of(tensors, "text_projection."), place, dtype=source.numbers.text, device=where)
    skipped = skipped_layers(plan.reading, dimensions, settings)
    if part.kind == "open_clip" and (
        part.names == "transformers" or dimensions.layers == TRIMMED_OPEN_CLIP_LAYERS
    ):
        # diffusers folders and some converted files of SD2 leave out the layer that is never read.
        skipped = 0
    return TextTower(model, projection, replace(plan.reading, skipped_layers=skipped))


# OpenCLIP ViT-H has 24 text layers, of which Stable Diffusion 2 reads 23.
TRIMMED_OPEN_CLIP_LAYERS = 23


def set_vae(model: LoadedModel, vae_file: ModelFile | None) -> None:
    """Give a model another VAE (None: its own); if that fails it keeps the one it has.

    The network and the text encoder are not touched. The VAEs it had are kept, so going back is exact and
    instant.
    """
    if _vae_key(model.vae_file) == _vae_key(vae_file):
        return
    model.kept_vaes[_vae_key(model.vae_file)] = model.vae
    vae = model.kept_vaes.get(_vae_key(vae_file))
    if vae is None:
        path = model.file.path if vae_file is None else vae_file.path
        vae = build_vae_from(
            open_vae(path, model.latent_format, model.numbers, model.device), model.messages.append
        )
    model.vae, model.vae_file = vae, vae_file
    # The one inside and the one in use: more would be memory without limit.
    model.kept_vaes = {key: kept for key, kept in model.kept_vaes.items() if key is None}


def _vae_key(file: ModelFile | None) -> Hashable:
    return None if file is None else (file.path, file.size, file.mtime_ns)


@dataclass(frozen=True, slots=True)
class VaeSource:
    """A VAE's tensors in either layout, the file's name for errors, and what it is to become."""

    name: str
    tensors: Mapping[str, Tensor]
    latent_format: LatentFormat
    numbers: NumberFormats
    device: torch.device


def open_vae(
    path: Path,
    latent_format: LatentFormat,
    numbers: NumberFormats,
    device: torch.device,
    tensors: Mapping[str, Tensor] | None = None,
) -> VaeSource:
    """Open a VAE file, or the VAE inside a checkpoint; `tensors` are the file's if it is open already."""
    if tensors is None:
        read_header(path)
        tensors = open_tensors(path)
    prefix = next((prefix for prefix in VAE_PREFIXES if f"{prefix}decoder.conv_in.weight" in tensors), "")
    inside = part_of(tensors, prefix)
    if "decoder.conv_in.weight" not in inside:
        raise UnusableFile(f"{path.name} has no VAE: choose one in the VAE list.")
    return VaeSource(path.name, inside, latent_format, numbers, device)


VAE_PREFIXES = ("first_stage_model.", "vae.", "vae/")


def build_vae_from(source: VaeSource, tell: Callable[[str], None]) -> Vae:
    """The VAE itself; one that does not fit the checkpoint's latents is refused."""
    dimensions = vae_dimensions(shapes_of(source.tensors), source.name)
    latent_format, numbers = source.latent_format, source.numbers
    if dimensions.latent_channels != latent_format.channels:
        raise UnusableFile(
            f"The VAE in {source.name} has {dimensions.latent_channels} latent channels, and this "
            f"checkpoint's network {latent_format.channels}. Choose another in the VAE list."
        )
    module = build_vae(dimensions, latent_format.scale)
    named = to_diffusers_vae(source.tensors, len(dimensions.channels))
    fill(
        module,
        named,
        f"The VAE in {source.name}",
        dtype=numbers.vae,
        device=source.device,
        as_stored=prepare(module, numbers),
    )
    return Vae(
        module, latent_format, channels_last=numbers.channels_last, falls_back=numbers.falls_back, tell=tell
    )


def _latent_format(source: CheckpointSource) -> LatentFormat:
    scale = source.sidecar.scale_factor
    return replace(source.plan.latent_format, scale=scale) if scale else source.plan.latent_format


def _prediction(source: CheckpointSource, network: UNet) -> PredictionKind:
    """ "eps" or "v": by the sidecar, then marker tensors and metadata, then for SD2 by trying."""
    said = source.sidecar.prediction or source.identity.prediction
    if said is not None:
        return "v" if said == "v" else "eps"
    if source.plan.is_probed and not source.identity.is_inpainting:
        return "v" if predicts_v(network, network.context) else "eps"
    return "eps"
