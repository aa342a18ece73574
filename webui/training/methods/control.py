"""ControlNets (Zhang et al. 2023): a copy of the U-Net's encoder that learns to read a picture."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from webui.core.errors import InvalidRequest
from webui.core.model_file import ModelKind
from webui.core.work.training_run import TrainingRun
from webui.models.files.tensors import open_tensors
from webui.training.data.batch import TrainingBatch
from webui.training.facts import SMALL_NETWORK
from webui.training.methods.base import BaseTrainable
from webui.training.methods.changed_layers import uniform
from webui.training.methods.files import numbers_of, write_tensors
from webui.training.methods.layers import block_of
from webui.training.methods.trainable import ParameterGroup
from webui.training.networks import TextInput, TrainingNetworks
from webui.training.seeds import generator_for

HINT = "controlnet_cond_embedding."
ZEROS = ("controlnet_down_blocks.", "controlnet_mid_block.", f"{HINT}conv_out.")
CLDM = "control_model."
# Of small networks: the share of a hint that is white when its path is evened out, the side of that hint in
# pixels, and how strong it is then where it is added to the latent's first features.
WHITE_SHARE, EVENING_SIDE, HINT_STRENGTH = 0.1, 64, 0.2
# What a ControlNet is told as the U-Net is.
SHARED_SETTINGS = (
    "in_channels", "block_out_channels", "down_block_types", "mid_block_type", "transformer_layers_per_block",
    "attention_head_dim", "cross_attention_dim", "use_linear_projection", "class_embed_type",
    "projection_class_embeddings_input_dim",
)  # fmt: skip


class TrainableControlNet(BaseTrainable):
    """A ControlNet that begins as the U-Net's encoder and adds nothing yet."""

    kind = ModelKind.CONTROLNET

    def __init__(self, run: TrainingRun, networks: TrainingNetworks) -> None:
        """New, or the file to go on from. Raises InvalidRequest, UnusableFile."""
        super().__init__()
        self._networks, self._format = networks, numbers_of(run)
        self.network = build_controlnet(networks, generator_for(run.seed, "controlnet"))
        # Names in files by the parameters' own.
        self._names = file_names(list(self.network.state_dict()), networks)
        if run.start_from:
            self._start_from(Path(run.start_from))

    @property
    def groups(self) -> list[ParameterGroup]:
        """By the block of the U-Net that a parameter was copied from; the rest together."""
        originals = self._networks.model.network.original_names
        found: dict[str, list[nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            original = originals.get(name.rpartition(".")[0], "")
            found.setdefault(block_of(original), []).append(parameter)
        return [ParameterGroup("controlnet", parameters, block) for block, parameters in found.items()]

    def parameters(self) -> dict[str, nn.Parameter]:
        """By diffusers' names."""
        return dict(self.network.named_parameters())

    @contextmanager
    def attach(self) -> Iterator[None]:
        """It acts through `residuals` alone: nothing changes."""
        yield

    def residuals(
        self, latent: Tensor, timestep: Tensor, text: TextInput, batch: TrainingBatch
    ) -> dict[str, object]:
        """What it adds to the U-Net's skips and middle. Raises InvalidRequest for a batch without hints."""
        if batch.hints is None:
            raise InvalidRequest(
                f"{batch.names[0]} has no picture for the ControlNet to read. Put one of the same name "
                "into the data set's folder of hints."
            )
        hints = batch.hints.to(latent.device, torch.float32)
        down, middle = self.network(
            latent, timestep, text.crossattn, hints, class_labels=text.vector, return_dict=False
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write the file: SD1 and SD2 under their authors' names, SDXL under diffusers', as all others."""
        state = self.network.state_dict()
        tensors = {
            written: state[name].detach().to("cpu", self._format) for name, written in self._names.items()
        }
        write_tensors(path, tensors, metadata)

    @torch.no_grad()
    def _start_from(self, path: Path) -> None:
        given, state = open_tensors(path), self.network.state_dict()
        for name, written in self._names.items():
            spellings = (written, written.removeprefix(CLDM), name)
            tensor = next((given[each] for each in spellings if each in given), None)
            if tensor is None or tensor.shape != state[name].shape:
                raise InvalidRequest(
                    f"{path.name} cannot be gone on from: it is no ControlNet for this checkpoint's U-Net. "
                    "Choose one of the same family."
                )
            state[name].copy_(tensor)


def build_controlnet(networks: TrainingNetworks, generator: torch.Generator) -> ControlNetModel:
    """A ControlNet in 32 bits whose encoder is the U-Net's and whose last convolutions are zero."""
    # On no device, so that torch draws no numbers from the generator that everybody shares.
    with torch.device("meta"):
        made = ControlNetModel(**configuration(networks.unet))
    device, copied = networks.device, networks.unet.state_dict()
    state: dict[str, Tensor] = {}
    for name, empty in made.state_dict().items():
        shape = tuple(empty.shape)
        if name in copied and not name.startswith(HINT):
            state[name] = copied[name].detach().to(device, torch.float32, copy=True)
        elif name.startswith(ZEROS):
            state[name] = torch.zeros(shape, device=device)
        elif name.endswith(".weight"):
            state[name] = uniform(shape, device, generator)
        else:
            inputs = made.get_parameter(name.removesuffix("bias") + "weight").shape[1:].numel()
            state[name] = torch.empty(shape).uniform_(-1, 1, generator=generator).to(device) / math.sqrt(
                inputs
            )
    made.load_state_dict(state, assign=True)
    if sum(parameter.numel() for parameter in networks.unet.parameters()) < SMALL_NETWORK:
        even_out(made.controlnet_cond_embedding, generator)
    return made.train(False).requires_grad_(True)


@torch.no_grad()
def even_out(path: nn.Module, generator: torch.Generator) -> None:
    """Let each layer answer to a hint as strongly as the one before.

    The authors' beginning makes it weaker layer by layer, and nothing of it in the last: it takes thousands
    of steps until a hint is felt. What the ControlNet adds is zero all the same.
    """
    blocks = list(path.get_submodule("blocks").children())
    layers = [path.get_submodule("conv_in"), *blocks, path.get_submodule("conv_out")]
    drawn = torch.rand((1, 1, EVENING_SIDE, EVENING_SIDE), generator=generator) < WHITE_SHARE
    hint = drawn.to(next(path.parameters())).expand(-1, 3, -1, -1)
    for layer in layers:
        assert isinstance(layer, nn.Conv2d), "a hint's path is convolutions"
        numbers = torch.randn(layer.weight.shape, generator=generator)
        layer.weight.copy_(numbers)
        layer.get_parameter("bias").zero_()
        layer.weight.div_(layer(hint).std())
        hint = functional.silu(layer(hint))
    layers[-1].get_parameter("weight").mul_(HINT_STRENGTH)


def configuration(unet: nn.Module) -> dict[str, Any]:  # Any: diffusers' arguments
    """Arguments of a ControlNet that copies a U-Net's encoder. Raises InvalidRequest."""
    assert isinstance(unet, UNet2DConditionModel), "checkpoints have diffusers' U-Nets"
    given = {name: unet.config[name] for name in SHARED_SETTINGS}
    layers = set(unet.config["layers_per_block"])
    if len(layers) > 1:
        raise InvalidRequest(
            "This checkpoint's levels have different numbers of blocks, which ControlNets cannot copy. "
            "Choose another checkpoint."
        )
    return given | {"layers_per_block": layers.pop()}


def file_names(names: list[str], networks: TrainingNetworks) -> dict[str, str]:
    """What each of a ControlNet's tensors is called in its file."""
    if networks.model.is_sdxl:
        return {name: name.replace("class_embedding.", "add_embedding.", 1) for name in names}
    modules = dict(networks.model.network.original_names) | _own_names(names)
    written: dict[str, str] = {}
    for name in names:
        module, _, end = name.rpartition(".")
        written[name] = f"{CLDM}{modules[module]}.{end}"
    return written


def _own_names(names: list[str]) -> dict[str, str]:
    """Modules that a U-Net lacks, diffusers' names to the authors'."""
    zeros = {
        name.rpartition(".")[0]: f"zero_convs.{name.split('.')[1]}.0"
        for name in names
        if name.startswith("controlnet_down_blocks.")
    }
    # A convolution at every second place, the activation between.
    between = sorted({int(name.split(".")[2]) for name in names if name.startswith(f"{HINT}blocks.")})
    hints = {f"{HINT}blocks.{number}": f"input_hint_block.{2 * (number + 1)}" for number in between}
    last = 2 * (len(between) + 1)
    ends = {f"{HINT}conv_in": "input_hint_block.0", f"{HINT}conv_out": f"input_hint_block.{last}"}
    return zeros | hints | ends | {"controlnet_mid_block": "middle_block_out.0"}
