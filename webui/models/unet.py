"""The U-Net as samplers call it."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from webui.core.errors import InvalidNumbers
from webui.models.out_of_memory import LOWER, MemoryLadder, Work
from webui.models.residency import Resident
from webui.models.sliced_attention import sliced_attention

logger = logging.getLogger(__name__)
# A network trained on v answers so far below its input, in the mean.
V_THRESHOLD = -1.0
# Looking at a number waits for the device, so it is done once in so many evaluations.
EVALUATIONS_PER_LOOK = 10
REFUSAL = f"There is too little memory for the network at this size. {LOWER}"


@dataclass(frozen=True, slots=True)
class UNetCall:
    """What goes into the network: latent (N, C, h, w), timestep (N,), crossattn (N, T, D), vector (N, V).

    `residuals` are arguments of diffusers' U-Net, such as `down_block_additional_residuals`.
    """

    latent: Tensor
    timestep: Tensor
    crossattn: Tensor
    vector: Tensor | None
    residuals: Mapping[str, object]

    @property
    def size(self) -> tuple[int, ...]:
        """What decides how much memory it takes."""
        return (*self.latent.shape, self.crossattn.shape[1])

    def row(self, number: int) -> "UNetCall":
        """One row of the batch alone."""
        rows = slice(number, number + 1)
        return replace(
            self,
            latent=self.latent[rows],
            timestep=self.timestep[rows],
            crossattn=self.crossattn[rows],
            vector=None if self.vector is None else self.vector[rows],
            residuals={name: _map(value, lambda each: each[rows]) for name, value in self.residuals.items()},
        )


@dataclass(frozen=True, slots=True)
class EvaluationStrategy:
    """How a batch goes through the network: row by row or at once, with this many queries of attention."""

    description: str
    row_by_row: bool = False
    queries: int | None = None


STRATEGIES = (
    EvaluationStrategy("at once"),
    EvaluationStrategy("one row after the other", row_by_row=True),
    EvaluationStrategy("one row after the other, with attention in slices", row_by_row=True, queries=1024),
    EvaluationStrategy("one row after the other, with attention in thin slices", row_by_row=True, queries=64),
)


class HalfPrecisionFailure(InvalidNumbers):
    """A network gave NaN in half precision some evaluations ago; `widen` it and begin again."""

    def __init__(self, network: "UNet") -> None:
        super().__init__(f"The network gave no valid numbers (NaN) in {_name(network.dtype)}.")
        self.network = network


class UNet(nn.Module):
    """A U-Net with its number format: float32 goes in, float32 comes out.

    Where half precision gives NaN and `falls_back` is set, the network goes to 32 bits, and `tell` is given a
    sentence for the user. On a processor the call is repeated at once. Elsewhere it is noticed later (see
    `assert_valid`), and whoever samples has to begin again.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        *,
        channels_last: bool = False,
        falls_back: bool = False,
        tell: Callable[[str], None] = logger.warning,
        original_names: Mapping[str, str] | None = None,
        ladder: MemoryLadder | None = None,
        device: torch.device | None = None,
    ) -> None:
        """`channels_last` keeps activations in that order, which processors' and cards' convolutions
        prefer. `original_names` are those that modules have in the original code, by diffusers' names.
        `device` is where it computes, if that is not where its weights are now.
        """
        super().__init__()
        self.unet = unet
        self.original_names = original_names or {}
        self.channels_last = channels_last
        self.falls_back = falls_back
        self.fell_back = False
        self.resident: Resident | None = None
        # Of a processor nobody has to wait for the numbers.
        self.evaluations_per_look = EVALUATIONS_PER_LOOK
        self._tell = tell
        self._ladder = ladder or MemoryLadder()
        self._device = device
        self._is_invalid: Tensor | None = None
        self._unseen = 0

    @property
    def dtype(self) -> torch.dtype:
        """Format the weights are in."""
        return self.unet.conv_in.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device or self.unet.conv_in.weight.device

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

    def layer_groups(self) -> list[nn.Module]:
        """Its residual blocks, transformers and resamplers: most of its weights, each called by itself."""
        blocks = [*self.unet.down_blocks, self.unet.mid_block, *self.unet.up_blocks]
        lists = [each for block in blocks if block is not None for each in block.children()]
        return [group for each in lists if isinstance(each, nn.ModuleList) for group in each]

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

        `residuals` are arguments of diffusers' U-Net, such as `down_block_additional_residuals`. Raises
        OutOfMemory, and HalfPrecisionFailure where an evaluation before this gave NaN.
        """
        call = UNetCall(latent, timestep, crossattn, vector, residuals)
        output = self._evaluate(call)
        if self.falls_back and self.dtype != torch.float32:
            if output.device.type != "cpu":
                self._note(output)
            elif output.isnan().any():
                self.widen()
                output = self._evaluate(call)
        return output

    def assert_valid(self) -> None:
        """Look at the evaluations since the last look. Raises HalfPrecisionFailure if one gave NaN."""
        noted = self._is_invalid
        self.forget_evaluations()
        if noted is not None and bool(noted):
            raise HalfPrecisionFailure(self)

    def forget_evaluations(self) -> None:
        """Those so far belong to a run that is over."""
        self._is_invalid, self._unseen = None, 0

    def widen(self) -> None:
        """Compute in 32 bits from now on, and tell the user."""
        self._tell(
            f"The network gave no valid numbers in {_name(self.dtype)}, so it now computes in 32 bits, "
            "which is slower. To begin with 32 bits, choose the exact precision or start with --no-half."
        )
        with self._on_device():
            self.unet.float()
        self.fell_back = True

    def _note(self, output: Tensor) -> None:
        """Remember on the device whether there is NaN, and look at it now and then."""
        is_invalid = output.isnan().any()
        self._is_invalid = is_invalid if self._is_invalid is None else self._is_invalid | is_invalid
        self._unseen += 1
        if self._unseen >= self.evaluations_per_look:
            self.assert_valid()

    def _evaluate(self, call: UNetCall) -> Tensor:
        """The network's output; with less at once where memory is short."""
        work = Work(
            call.size,
            lambda how: self._tell(
                f"The memory was too small for the whole batch, so the network took it {how}."
            ),
            REFUSAL,
        )
        with self._on_device():
            return self._ladder.try_in_order(work, STRATEGIES, lambda strategy: self._run_by(strategy, call))

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        with self.resident.using() if self.resident else nullcontext():
            yield

    def _run_by(self, strategy: EvaluationStrategy, call: UNetCall) -> Tensor:
        with sliced_attention(self.unet, strategy.queries) if strategy.queries else nullcontext():
            if not strategy.row_by_row:
                return self._run(call)
            return torch.cat([self._run(call.row(number)) for number in range(len(call.latent))])

    def _run(self, call: UNetCall) -> Tensor:
        dtype, device = self.dtype, self.device
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        output = self.unet(
            call.latent.to(device, dtype, memory_format=order),
            call.timestep.to(device),
            call.crossattn.to(device, dtype),
            class_labels=None if call.vector is None else call.vector.to(device, dtype),
            return_dict=False,
            **{name: _map(value, lambda each: each.to(dtype)) for name, value in call.residuals.items()},
        )[0]
        return output.float().contiguous()


def _map(value: object, change: Callable[[Tensor], Tensor]) -> object:
    """A residual with each tensor in it changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(_map(item, change) for item in value)
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
    text = torch.full((1, 2, context), 0.5)
    answer = network(latent, torch.tensor([999]), text).cpu()
    if network.falls_back and answer.isnan().any():
        network.widen()
        answer = network(latent, torch.tensor([999]), text).cpu()
    network.forget_evaluations()
    return (answer - latent).mean().item() < V_THRESHOLD
