"""The U-Net as samplers call it."""

import logging
from collections.abc import Callable, Mapping

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

logger = logging.getLogger(__name__)


class UNet(nn.Module):
    """A U-Net with its number format: float32 goes in, float32 comes out.

    Where half precision gives NaN and `falls_back` is set, the network goes to 32 bits, the call is repeated,
    and `tell` is given a sentence for the user.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        *,
        channels_last: bool = False,
        falls_back: bool = False,
        tell: Callable[[str], None] = logger.warning,
        original_names: Mapping[str, str] | None = None,
    ) -> None:
        """`channels_last` keeps activations in that order, which processors' and cards' convolutions
        prefer. `original_names` are those that modules have in the original code, by diffusers' names.
        """
        super().__init__()
        self.unet = unet
        self.original_names = original_names or {}
        self.channels_last = channels_last
        self.falls_back = falls_back
        self.fell_back = False
        self._tell = tell

    @property
    def dtype(self) -> torch.dtype:
        """Format the weights are in."""
        return self.unet.conv_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.unet.conv_in.weight.device

    @property
    def in_channels(self) -> int:
        """4, or 9 of inpainting networks (latent, mask, masked picture's latent)."""
        return self.unet.conv_in.weight.shape[1]

    @property
    def context(self) -> int:
        """Width of the text that cross attention reads."""
        return int(self.unet.config["cross_attention_dim"])

    @property
    def vector_width(self) -> int:
        """Width of SDXL's vector, 0 of networks that take none."""
        return int(self.unet.config["projection_class_embeddings_input_dim"] or 0)

    def forward(
        self,
        latent: Tensor,
        timestep: Tensor,
        crossattn: Tensor,
        vector: Tensor | None = None,
        **residuals: object,
    ) -> Tensor:
        """latent (N, C, h, w), timestep (N,), crossattn (N, T, D), vector (N, V) to output (N, 4, h, w)
        float32.

        `residuals` are arguments of diffusers' U-Net, such as `down_block_additional_residuals`.
        """
        output = self._run(latent, timestep, crossattn, vector, residuals)
        if self.falls_back and self.dtype != torch.float32 and output.isnan().any():
            self._tell(
                f"The network gave no valid numbers in {_name(self.dtype)}, so it now computes in 32 bits, "
                "which is slower. To begin with 32 bits, choose the exact precision or start with --no-half."
            )
            self.unet.float()
            self.fell_back = True
            output = self._run(latent, timestep, crossattn, vector, residuals)
        return output

    def _run(
        self,
        latent: Tensor,
        timestep: Tensor,
        crossattn: Tensor,
        vector: Tensor | None,
        residuals: dict[str, object],
    ) -> Tensor:
        dtype, device = self.dtype, self.device
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        output = self.unet(
            latent.to(device, dtype, memory_format=order),
            timestep.to(device),
            crossattn.to(device, dtype),
            class_labels=None if vector is None else vector.to(device, dtype),
            return_dict=False,
            **{name: _cast(value, dtype) for name, value in residuals.items()},
        )[0]
        return output.float().contiguous()


def _cast(value: object, dtype: torch.dtype) -> object:
    """Residuals in the network's format."""
    if isinstance(value, Tensor):
        return value.to(dtype)
    if isinstance(value, list | tuple):
        return type(value)(_cast(item, dtype) for item in value)
    return value


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@torch.no_grad()
def predicts_v(network: UNet, context: int) -> bool:
    """Whether an SD2 network answers like one trained on v: at the last step it then points away from its
    input.

    The test A1111 makes, with a constant picture and text.
    """
    latent = torch.full((1, 4, 8, 8), 0.5)
    answer = network(latent, torch.tensor([999]), torch.full((1, 2, context), 0.5)).cpu()
    return (answer - latent).mean().item() < V_THRESHOLD


V_THRESHOLD = -1.0
