"""The loop: batch, noise, prediction, loss, gradients, step. What is around it lies in run.py."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from webui.core.errors import InvalidNumbers
from webui.core.work.training_run import TrainingRun
from webui.training.average import RunningAverage
from webui.training.data.batch import TrainingBatch
from webui.training.losses import NoiseRecipe, measure_errors
from webui.training.methods.trainable import ParameterGroup, Trainable
from webui.training.networks import TrainingNetworks
from webui.training.optimizers import make_optimizer
from webui.training.preserving import Preserving
from webui.training.processes import Processes
from webui.training.rates import (
    RateCourse,
    block_factor,
    parse_block_rates,
    parse_stepped_rates,
    stepped_rate,
)
from webui.training.seeds import seed_for
from webui.training.texts import Texts

# The smoothed loss moves this share of the way to each new one, as soon as there are so many.
SMOOTHING = 0.02
# In 16 bits steps without valid gradients are usual while the scale is found, but not this many in a row.
MOST_SKIPPED = 25
HALF_FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Diverged(InvalidNumbers):
    """The loss or the gradients are no numbers any more; what was learned before the step is untouched."""


class Batches(Protocol):
    """Where batches come from; see `BatchSource`."""

    @property
    def steps_per_epoch(self) -> int:
        """How many there are in an epoch."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[TrainingBatch]:
        """Those of an epoch, counted from 0, from a place on."""
        ...


@dataclass(frozen=True, slots=True)
class StepDone:
    """What came of one step: its number from 1, the loss, rates by part, and how long it took."""

    step: int
    epoch: int
    loss: float
    average_loss: float
    rates: dict[str, float]
    seconds: float


@dataclass(slots=True)
class BatchStream:
    """Batches by their place in the whole run; those that follow each other are not begun anew."""

    source: Batches
    _next: int = -1
    _open: Iterator[TrainingBatch] | None = None

    def at(self, place: int) -> TrainingBatch:
        """The batch at a place, counted from 0 over all epochs."""
        if place != self._next or self._open is None:
            self._open = self._begin(place)
        batch = next(self._open, None)
        if batch is None:
            self._open = self._begin(place)
            batch = next(self._open)
        self._next = place + 1
        return batch

    def _begin(self, place: int) -> Iterator[TrainingBatch]:
        number, start = divmod(place, self.source.steps_per_epoch)
        return self.source.epoch(number, start)


@dataclass(eq=False)
class Loop:
    """One run's learning. It stands between two steps whenever nobody is in `take_step`."""

    run: TrainingRun
    networks: TrainingNetworks
    trainable: Trainable
    source: Batches
    texts: Texts
    processes: Processes = field(default_factory=Processes)
    preserving: Preserving | None = None
    clock: Callable[[], float] = time.monotonic
    step: int = 0
    average_loss: float = 0.0

    def __post_init__(self) -> None:
        run = self.run
        self._stream = BatchStream(self.source)
        self._recipe = NoiseRecipe.of(run)
        self._groups = make_groups(run, self.trainable.groups)
        self._parameters = [each for group in self._groups for each in group["params"]]
        for parameter in self._parameters:
            parameter.requires_grad_(True)
        groups = [{"params": group["params"], "lr": group["lr"]} for group in self._groups]
        self._optimizer: Optimizer = make_optimizer(run.optimizer or "adamw", groups, run.weight_decay or 0.0)
        self._base_rates = [group["lr"] for group in self._groups]
        # Gradients in 16 bits are too small for fp16's range, on every device; bf16 has float32's.
        self._scaler = torch.amp.GradScaler(self.networks.device.type, enabled=run.precision == "fp16")
        self._skipped = 0
        self.average = RunningAverage(self._parameters, run.ema or 0.0)

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        return self.run.steps or 1

    @property
    def accumulation(self) -> int:
        """Batches that a process sees in a step."""
        return self.run.accumulation or 1

    def take_step(self) -> StepDone:
        """Learn from some batches. Raises Diverged before anything is changed by numbers that are none."""
        began = self.clock()
        factor = self._set_rates()
        loss = torch.zeros((), device=self.networks.device)
        with torch.enable_grad():
            for index in range(self.accumulation):
                place = (self.step * self.accumulation + index) * self.processes.count + self.processes.index
                share = self._measure(self._stream.at(place), place) / self.accumulation
                self._scaler.scale(share).backward()
                loss += share.detach()
        self.processes.average_gradients(self._parameters)
        value = float(self.processes.average(loss))
        self._scaler.unscale_(self._optimizer)
        self._check(value, self._clip())
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.trainable.after_step()
        self.average.update(self.step)
        self.average_loss += (value - self.average_loss) * max(SMOOTHING, 1 / self.step)
        return StepDone(
            step=self.step,
            epoch=self._epoch,
            loss=value,
            average_loss=self.average_loss,
            rates=self._rates(factor),
            seconds=self.clock() - began,
        )

    def _measure(self, batch: TrainingBatch, place: int) -> Tensor:
        """The weighted loss of one batch."""
        device, recipe, networks = self.networks.device, self._recipe, self.networks
        self._seed_dropout(place)
        timestep = recipe.draw_timesteps(place, len(batch.latents)).to(device)
        noise = recipe.draw_noise(place, batch.latents.shape).to(device)
        latents = batch.latents.to(device)
        noisy = networks.prediction.add_noise(latents, noise, timestep)
        target = networks.prediction.target(latents, noise, timestep)
        with self.autocast():
            text = self.texts.read(batch)
            residuals = self.trainable.residuals(noisy, timestep, text, batch)
            output = networks.predict(noisy, timestep, text, **residuals)
            kept = self.preserving.measure(place, noisy, timestep, batch) if self.preserving else None
        errors = measure_errors(output, target, batch.mask)
        loss = (errors * recipe.weigh(networks.prediction, timestep) * batch.weights.to(device)).mean()
        if self.preserving is None or kept is None:
            return loss
        moved, levels = kept
        return loss + self.preserving.weight * (moved * recipe.weigh(networks.prediction, levels)).mean()

    def autocast(self) -> AbstractContextManager[Any]:
        """Computing in the run's numbers; what is trained stays float32."""
        dtype = HALF_FORMATS.get(self.run.precision or "fp32")
        return torch.autocast(self.networks.device.type, dtype) if dtype else nullcontext()

    def _seed_dropout(self, place: int) -> None:
        """What a method leaves out by chance depends on the place in the run alone."""
        self.trainable.generator.manual_seed(seed_for(self.run.seed, "dropout", place))

    def _set_rates(self) -> float:
        """The rates of this step; gives the factor of the schedule."""
        run = self.run
        if run.rates:
            factor = stepped_rate(parse_stepped_rates(run.rates), self.step) / (run.rate or 1.0)
            return self._apply_factor(factor)
        course = RateCourse(
            run.schedule or "constant",
            self.steps,
            round((run.warmup or 0.0) * self.steps),
            run.restarts or 1,
            run.power or 1.0,
            run.rate or 1.0,
        )
        return self._apply_factor(course.factor(self.step))

    def _apply_factor(self, factor: float) -> float:
        for group, rate in zip(self._optimizer.param_groups, self._base_rates, strict=True):
            group["lr"] = rate * factor
        return factor

    def _rates(self, factor: float) -> dict[str, float]:
        """The highest rate of each part; what Prodigy multiplies it with is in it."""
        found: dict[str, float] = {}
        for group, ours in zip(self._optimizer.param_groups, self._groups, strict=True):
            rate = ours["lr"] * factor * float(group.get("d", 1.0))
            found[ours["part"]] = max(found.get(ours["part"], 0.0), rate)
        return found

    def _clip(self) -> float:
        """Shorten gradients that are too long; how long they were."""
        limit = self.run.max_gradient or math.inf
        return float(nn.utils.clip_grad_norm_(self._parameters, limit))

    def _check(self, loss: float, length: float) -> None:
        if math.isfinite(loss) and math.isfinite(length):
            self._skipped = 0
            return
        self._skipped += 1
        if math.isfinite(loss) and self._scaler.is_enabled() and self._skipped < MOST_SKIPPED:
            # The scaler leaves this step out and goes on with a smaller scale.
            return
        self._optimizer.zero_grad(set_to_none=True)
        what = "gradients are" if math.isfinite(loss) else "loss is"
        raise Diverged(f"The {what} no number (NaN) at step {self.step + 1}. {self._advice()}")

    def _advice(self) -> str:
        rate = self.run.rate or 0.0
        half = self.run.precision in HALF_FORMATS
        other = " or choose the precision fp32" if half else ""
        return f"Lower the learning rate (rate, now {rate:g}, to {rate / 3:.2g}){other}, and train again."

    @property
    def _epoch(self) -> int:
        """Which epoch the step that is done belonged to, from 1."""
        last = self.step * self.accumulation * self.processes.count - 1
        return last // self.source.steps_per_epoch + 1

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, on the processor."""
        return {
            "step": self.step,
            "average_loss": self.average_loss,
            "trainable": dict(self.trainable.state()),
            "optimizer": to_cpu(self._optimizer.state_dict()),
            "scaler": self._scaler.state_dict(),
            "average": self.average.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where another loop of the same run was."""
        self.step, self.average_loss = int(state["step"]), float(state["average_loss"])
        self.trainable.load_state(state["trainable"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])
        self.average.load_state(state["average"])


def make_groups(run: TrainingRun, groups: list[ParameterGroup]) -> list[dict[str, Any]]:
    """Parameters with their rates: those of the text encoders have one, blocks have factors."""
    factors = parse_block_rates(run.block_rates or "")
    made: list[dict[str, Any]] = []
    for group in groups:
        rate = (run.text_rate if group.part == "text" else run.rate) or 0.0
        rate *= block_factor(factors, group.block)
        if group.parameters:
            made.append({"part": group.part, "params": list(group.parameters), "lr": rate})
    return made


def to_cpu(value: Any) -> Any:  # noqa: ANN401 - an optimizer's state: dicts and lists of anything
    """A copy with all tensors on the processor."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {key: to_cpu(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_cpu(each) for each in value)
    return value


@contextmanager
def gradient_checkpointing(networks: TrainingNetworks, *, enabled: bool) -> Iterator[None]:
    """Activations are computed again in the backward pass while the context is open."""
    if not enabled:
        yield
        return
    unet: Any = networks.unet
    with ExitStack() as stack:
        unet.enable_gradient_checkpointing()
        stack.callback(unet.disable_gradient_checkpointing)
        for module in networks.text_models:
            text: Any = module
            if hasattr(text, "gradient_checkpointing_enable"):
                # transformers does it in training mode only, which changes nothing else: CLIP drops nothing.
                was_training = text.training
                text.gradient_checkpointing_enable({"use_reentrant": False})
                text.train()
                stack.callback(text.train, was_training)
                stack.callback(text.gradient_checkpointing_disable)
        yield
