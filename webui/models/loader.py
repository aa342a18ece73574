"""A checkpoint on disk becomes a LoadedModel: built on no device from its shapes, then filled with its own
tensors.
"""

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
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
from webui.models.cpu.precision import NumberFormats
from webui.models.files.noise_table import alphas_cumprod_in
from webui.models.files.tensors import fill_module, open_tensors, part_of, shapes_of
from webui.models.loaded_model import LoadedCheckpoint, LoadedModel
from webui.models.loras.applied_loras import NetworksInUse
from webui.models.module_weights import stored_numbers
from webui.models.network_holder import NetworkHolder, NetworkLeases
from webui.models.residency import DeviceMemory
from webui.models.unet import UNet, predicts_v
from webui.models.vae.vae import Vae

logger = logging.getLogger(__name__)

PLANS: Mapping[Family, FamilyPlan] = {
    Family.SD1: SD1,
    Family.SD2: SD2,
    Family.SDXL: SDXL,
    Family.SDXL_REFINER: SDXL_REFINER,
}
# OpenCLIP ViT-H has 24 text layers, of which Stable Diffusion 2 reads 23.
TRIMMED_OPEN_CLIP_LAYERS = 23
VAE_PREFIXES = ("first_stage_model.", "vae.", "vae/")


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
    memory: DeviceMemory
    place: torch.device

    @property
    def plan(self) -> FamilyPlan:
        """Rules of its family."""
        return PLANS[self.identity.family]


def load(
    file: ModelFile, numbers: NumberFormats, device: torch.device, vae_file: ModelFile | None = None
) -> LoadedModel:
    """Load a checkpoint that shares the device with no others, with another VAE if `vae_file` is given."""
    memory = DeviceMemory.of_device(device)
    with closing(CheckpointFile(file, numbers, device, memory)) as opened:
        checkpoint = opened.load(device)
        vae = opened.load_vae(device, checkpoint, vae_file)
    leases = NetworkLeases(NetworkHolder(0, memory.residency))
    return LoadedModel.of(checkpoint, vae, vae_file, leases)


class CheckpointFile:
    """A checkpoint that is opened when the first of its parts is loaded, once for all of them; to be closed.

    Parts are loaded to a place, which is the device they will compute on or the processor's memory.
    """

    def __init__(
        self, file: ModelFile, numbers: NumberFormats, device: torch.device, memory: DeviceMemory
    ) -> None:
        self._file, self._numbers, self._device, self._memory = file, numbers, device, memory
        self._source: CheckpointSource | None = None

    def close(self) -> None:
        """Let go of the file's tensors."""
        self._source = None

    def load(self, place: torch.device, key: Hashable = None) -> LoadedCheckpoint:
        """U-Net and text encoders. Raises UnusableFile."""
        start = time.perf_counter()
        source = replace(self._opened(), place=place)
        messages: list[str] = []
        network = load_unet(source, messages.append)
        text_encoder = load_text_encoder(source, network)
        checkpoint = LoadedCheckpoint(
            file=self._file,
            family=source.identity.family,
            network=network,
            text_encoder=text_encoder,
            text_part=self._memory.residency.add(text_encoder.towers),
            latent_format=_latent_format(source),
            prediction=_prediction(source, network),
            alphas_cumprod=alphas_cumprod_in(source.tensors),
            is_zero_snr=source.identity.has_zero_snr,
            is_inpainting=source.identity.is_inpainting,
            numbers=self._numbers,
            device=self._device,
            networks=NetworksInUse(network, text_encoder, self._numbers.text, self._device),
            ladder=self._memory.ladder(),
            messages=messages,
            key=key,
        )
        logger.info("Loaded %s in %.2f s", self._file.name, time.perf_counter() - start)
        return checkpoint

    def load_vae(
        self, place: torch.device, checkpoint: LoadedCheckpoint, vae_file: ModelFile | None = None
    ) -> Vae:
        """The VAE inside, or another. Raises UnusableFile."""
        tensors = None
        if vae_file is None and self._source is not None:
            # It is open, and a pickle takes long to open again.
            tensors = self._source.tensors
        path = self._file.path if vae_file is None else vae_file.path
        source = open_vae(path, checkpoint.latent_format, self._numbers, place, tensors)
        return build_vae_from(source, checkpoint.messages.append, self._memory, self._device)

    def _opened(self) -> "CheckpointSource":
        if self._source is None:
            self._source = open_checkpoint(self._file.path, self._numbers, self._device, self._memory)
        return self._source


def open_checkpoint(
    path: Path, numbers: NumberFormats, device: torch.device, memory: DeviceMemory | None = None
) -> CheckpointSource:
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
        path.name,
        layout,
        identity,
        open_tensors(path),
        read_settings(path),
        numbers,
        device,
        memory or DeviceMemory.of_device(device),
        device,
    )


def find_stored_dtype(header: Header) -> torch.dtype:
    """Format that most of a checkpoint's network is stored in."""
    formats = {"F16": torch.float16, "BF16": torch.bfloat16}
    kinds = [info.dtype for info in header.tensors.values() if len(info.shape) > 1]
    return formats.get(max(set(kinds), key=kinds.count) if kinds else "F32", torch.float32)


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """What a header says: the format that most of the network is stored in, and how many numbers each part
    has.
    """

    format: torch.dtype
    network: int
    text: int
    vae: int

    def checkpoint_bytes(self, numbers: NumberFormats) -> int:
        """Memory that U-Net and text encoders will take in these formats."""
        return self.network * numbers.network.itemsize + self.text * numbers.text.itemsize


def measure_stored_weights(header: Header) -> StoredWeights:
    """Of a checkpoint, or of a VAE's own file, whose numbers are all the VAE's."""
    layout = find_layout(header)
    text = tuple(part.prefix for part in layout.text_encoders) if layout else ()
    vae = next((prefix for prefix in VAE_PREFIXES if header.has(prefix)), "")
    return StoredWeights(
        find_stored_dtype(header),
        stored_numbers(header, layout.network) if layout else 0,
        stored_numbers(header, *text) if text else 0,
        stored_numbers(header, vae) if vae or layout is None else 0,
    )


def prepare(module: torch.nn.Module, numbers: NumberFormats) -> set[str]:
    """Rebuild an empty module if the numbers ask for speed; names of weights that stay as stored."""
    return speed_up(module, in_blocks=numbers.in_blocks) if numbers.packed else set()


def load_unet(source: CheckpointSource, tell: Callable[[str], None]) -> UNet:
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
    fill_module(
        unet,
        tensors,
        f"The U-Net in {source.name}",
        dtype=numbers.network,
        device=source.place,
        as_stored=prepare(unet, numbers),
    )
    network = UNet(
        unet,
        channels_last=numbers.channels_last,
        falls_back=numbers.falls_back,
        tell=tell,
        original_names=original_names((name for name, _ in unet.named_modules()), dimensions),
        ladder=source.memory.ladder(),
        device=source.device,
    )
    network.resident = source.memory.residency.add_network(unet, network.layer_groups())
    return network


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
    name, where = f"Text encoder {number + 1} in {source.name}", source.place
    stays = prepare(model, source.numbers)
    fill_module(model, tensors, name, dtype=source.numbers.text, device=where, as_stored=stays)
    model.embeddings.to(where)
    if projection is not None:
        fill_module(
            projection, part_of(tensors, "text_projection."), name, dtype=source.numbers.text, device=where
        )
    skipped = skipped_layers(plan.reading, dimensions, settings)
    if part.kind == "open_clip" and (
        part.names == "transformers" or dimensions.layers == TRIMMED_OPEN_CLIP_LAYERS
    ):
        # diffusers folders and some converted files of SD2 leave out the layer that is never read.
        skipped = 0
    return TextTower(model, projection, replace(plan.reading, skipped_layers=skipped))


@dataclass(frozen=True, slots=True)
class VaeSource:
    """A VAE's tensors in either layout, the file's name for errors, and what it is to become."""

    name: str
    tensors: Mapping[str, Tensor]
    latent_format: LatentFormat
    numbers: NumberFormats
    place: torch.device


def open_vae(
    path: Path,
    latent_format: LatentFormat,
    numbers: NumberFormats,
    place: torch.device,
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
    return VaeSource(path.name, inside, latent_format, numbers, place)


def build_vae_from(
    source: VaeSource,
    tell: Callable[[str], None],
    memory: DeviceMemory | None = None,
    device: torch.device | None = None,
) -> Vae:
    """The VAE itself, to compute on `device`; one that does not fit the checkpoint's latents is refused."""
    dimensions = vae_dimensions(shapes_of(source.tensors), source.name)
    latent_format, numbers = source.latent_format, source.numbers
    if dimensions.latent_channels != latent_format.channels:
        raise UnusableFile(
            f"The VAE in {source.name} has {dimensions.latent_channels} latent channels, and this "
            f"checkpoint's network {latent_format.channels}. Choose another in the VAE list."
        )
    module = build_vae(dimensions, latent_format.scale)
    named = to_diffusers_vae(source.tensors, len(dimensions.channels))
    fill_module(
        module,
        named,
        f"The VAE in {source.name}",
        dtype=numbers.vae,
        device=source.place,
        as_stored=prepare(module, numbers),
    )
    vae = Vae(
        module,
        latent_format,
        channels_last=numbers.channels_last,
        ladder=memory.ladder() if memory else None,
        tell=tell,
        device=device,
    )
    vae.resident = memory.residency.add([module]) if memory else None
    return vae


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
