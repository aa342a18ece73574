"""Control-LoRA (Stability AI 2023): a ControlNet kept as low-rank differences from a checkpoint's encoder."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from extensions.controlnet.networks.cldm_names import CLDM_PREFIX, is_cldm, to_diffusers_names
from extensions.controlnet.networks.controlnet import ControlNet, load_controlnet
from webui.plugins import UnusableFile

KIND = "control-lora"
MARK = "lora_controlnet"
UP, DOWN, WEIGHT = ".up", ".down", ".weight"
# What of a U-Net a ControlNet has too.
ENCODER = ("conv_in.", "time_embedding.", "class_embedding.", "down_blocks.", "mid_block.")
LATENT_CHANNELS = 4
# So many numbers of each weight tell whether it is the same as before.
SAMPLES = 64


def encoder_tensors(unet: nn.Module) -> dict[str, Tensor]:
    """The encoder of a U-Net under diffusers' names, as it is now, LoRAs included.

    Of an inpainting network's first convolution what reads the latent, not what reads the mask.
    """
    tensors = {name: tensor for name, tensor in unet.state_dict().items() if name.startswith(ENCODER)}
    first = tensors["conv_in.weight"]
    return tensors | {"conv_in.weight": first[:, :LATENT_CHANNELS]}


@torch.no_grad()
def fingerprint(unet: nn.Module) -> str:
    """Tells whether the encoder of a U-Net has changed, by some numbers of each of its weights."""
    hasher = hashlib.sha256()
    for name, tensor in encoder_tensors(unet).items():
        flat = tensor.detach().reshape(-1)
        step = max(1, len(flat) // SAMPLES)
        hasher.update(name.encode() + flat[::step].float().cpu().numpy().tobytes())
    return hasher.hexdigest()


def low_rank_difference(up: Tensor, down: Tensor, shape: torch.Size, name: str) -> Tensor:
    """Up (out, rank, …) times down (rank, in, …), in a weight's shape, float32. Raises UnusableFile."""
    product = up.float().flatten(1) @ down.float().flatten(1)
    if product.numel() != shape.numel():
        raise UnusableFile(
            f"{name} is made for another checkpoint: its layers have other sizes. Choose one of its family."
        )
    return product.reshape(shape)


def merge(tensors: Mapping[str, Tensor], base: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """A whole ControlNet's tensors under diffusers' names: the base's, those of the file in their place, and
    differences added. Raises UnusableFile.
    """
    tensors = {key.removeprefix(CLDM_PREFIX): value for key, value in tensors.items() if key != MARK}
    ups = {key.removesuffix(UP) for key in tensors if key.endswith(UP)}
    whole = {key: value for key, value in tensors.items() if not key.endswith((UP, DOWN))}
    # Names alone are turned into diffusers'; which weight a pair belongs to is found by them.
    marks = {f"{module}{WEIGHT}": tensors[module + UP] for module in ups}
    renamed = rename(whole | marks)
    pairs = rename(marks, whole)
    merged = {key: value.detach().clone() for key, value in base.items()}
    merged |= {key: value for key, value in renamed.items() if key not in pairs}
    downs = rename({f"{module}{WEIGHT}": tensors[module + DOWN] for module in ups}, whole)
    for key, up in pairs.items():
        if key not in base:
            raise UnusableFile(
                f"{name} is made for another checkpoint: this one has no {key}. Choose one of its family."
            )
        difference = low_rank_difference(up, downs[key], base[key].shape, name)
        merged[key] = base[key].float() + difference.to(base[key].device)
    return merged


def rename(tensors: Mapping[str, Tensor], beside: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Under diffusers' names. `beside` are other tensors of the file, which tell its layout."""
    known = {**(beside or {}), **tensors}
    if is_cldm(known) and any(key.startswith("middle_block.1.transformer_blocks.") for key in known):
        # The layout is told by this one, which some files leave to the checkpoint.
        known.setdefault("middle_block.1.norm.weight", torch.empty(0))
    names = to_diffusers_names({key: _Named(key) for key in known})  # type: ignore[arg-type]  # only names change
    own = {named.key: new for new, named in names.items() if isinstance(named, _Named)}
    return {own[key]: tensor for key, tensor in tensors.items() if key in own}


class _Named:
    """Stands for a tensor while names change."""

    def __init__(self, key: str) -> None:
        self.key = key


def load_control_lora(
    tensors: Mapping[str, Tensor],
    base: Mapping[str, Tensor],
    *,
    name: str,
    family: str,
    dtype: torch.dtype = torch.float32,
) -> ControlNet:
    """The ControlNet that a Control-LoRA is of a checkpoint whose encoder (`encoder_tensors`) is given.

    `name` is the file's, for sentences; `family` the checkpoint's. Raises UnusableFile.
    """
    network = load_controlnet(merge(tensors, base, name), name=name, family=family, dtype=dtype)
    network.kind = KIND
    return network
