"""Denoising: one batch, ready to sample. What plugins shape, and what runs it."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from webui.core.sampling import AUTOMATIC
from webui.diffusion.adapters.base import Adapter
from webui.diffusion.conditioning import Conditioning, EncodedPart
from webui.diffusion.guidance import (
    DenoisingNetwork,
    Guidance,
    GuidedNetwork,
    Hooks,
    NetworkInput,
    NetworkOutput,
)
from webui.diffusion.inpaint import LatentMask
from webui.diffusion.noise import ImageNoise
from webui.diffusion.prediction import (
    ConsistencyPreconditioning,
    NoiseLevels,
    Preconditioning,
    Prediction,
    SigmaPreconditioning,
    TimestepPreconditioning,
)
from webui.diffusion.samplers import Sampler, sampler_of
from webui.diffusion.schedules import ScheduleOptions, sampler_sigmas, sampler_timesteps
from webui.diffusion.step import NoiseSource, PredictNoise, SamplerOptions, Step, StepMoment

# Prompt and negative prompt -> the AND parts of each.
EncodeTexts = Callable[[str, str], tuple[tuple[EncodedPart, ...], ...]]
# A strength of 1 would divide the steps so that none is left over.
MAX_DENOISING_STRENGTH = 0.999


@dataclass(frozen=True, slots=True)
class Img2ImgSteps:
    """A schedule of `total` steps, of which the last `t_enc + 1` are run."""

    total: int
    t_enc: int


def img2img_steps(
    steps: int, denoising_strength: float, *, fix_steps: bool = False, second_pass_steps: int | None = None
) -> Img2ImgSteps:
    """Which part of a schedule starts from an image.

    With `fix_steps`, and in a hires pass, exactly `steps` are run.
    """
    strength = min(denoising_strength, MAX_DENOISING_STRENGTH)
    if not fix_steps and second_pass_steps is None:
        return Img2ImgSteps(steps, int(strength * steps))
    wanted = second_pass_steps or steps
    return Img2ImgSteps(int(wanted / strength) if denoising_strength > 0 else 0, wanted - 1)


# Noise, init latent, and the latent with its first noise -> the noise that is added once more.
ExtraNoise = Callable[[Tensor, Tensor, Tensor], Tensor]


def unchanged(noise: Tensor, latent: Tensor, noised: Tensor) -> Tensor:
    """The noise as it is."""
    return noise


@dataclass(frozen=True, slots=True)
class InitImage:
    """Where img2img and the second pass of hires start.

    `latent` (B, C, h, w). `second_pass_steps` is for hires: just so many steps are run. `extra_noise` is a
    share of the first noise added once more, which makes the result more detailed.

    For extensions: `pictures` (B or 1, RGB) are what was encoded, at the result's size as a rule; `mask` (L)
    is white where it is made anew. Where inpainting works on a part, `region` is its place (left, top, right,
    bottom) in the whole of `whole_size` (width, height).
    """

    latent: Tensor
    denoising_strength: float
    fix_steps: bool = False
    second_pass_steps: int | None = None
    extra_noise: float = 0.0
    pictures: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None
    region: tuple[int, int, int, int] | None = None
    whole_size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options that belong to no single sampler."""

    always_discard_next_to_last_sigma: bool = False
    sgm_noise_multiplier: bool = False
    no_batch_determinism: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where a sampler starts and what it walks along: falling sigmas or rising timesteps."""

    latent: Tensor
    levels: Tensor
    all_levels: Tensor


@dataclass(slots=True)
class Denoising:
    """One batch, ready to sample.

    `noise` starts the images, unless `first_noise` (B, C, h, w) is given. `sigmas` (falling) replaces the
    schedule. The lists of functions are the moments described at `Hooks`; `guided` is there once `run` has
    begun. `family` is the network's, as `Family` names it. `resources` are closed when the run ends.
    `encode` encodes further texts as the batch's own were, before the run begins.

    `around_guidance` wraps what the sampler calls, the last one outermost; `during_step` is called in each
    step, see `StepMoment`. `change_extra_noise` may change the noise that is added once more, where there is
    some: given that noise, the init latent, and the latent with its first noise (each (B, C, h, w)), they
    give the noise to add. `stepper` is a sampler of an extension's own, in place of the one named.
    """

    network: nn.Module
    prediction: Prediction
    cond: Conditioning
    uncond: Conditioning
    noise: ImageNoise
    family: str = ""
    sampler: str = "Euler"
    schedule: str = AUTOMATIC
    steps: int = 20
    guidance: Guidance = field(default_factory=Guidance)
    sampler_options: SamplerOptions = field(default_factory=SamplerOptions)
    schedule_options: ScheduleOptions = field(default_factory=ScheduleOptions)
    options: RunOptions = field(default_factory=RunOptions)
    first_noise: Tensor | None = None
    init: InitImage | None = None
    mask: LatentMask | None = None
    image_conditioning: Tensor | None = None
    sigmas: Tensor | None = None
    adapters: list[Adapter] = field(default_factory=list)
    before_evaluation: list[Callable[[GuidedNetwork, Tensor], None]] = field(default_factory=list)
    before_guidance: list[Callable[[NetworkInput], None]] = field(default_factory=list)
    before_network: list[Callable[[NetworkInput], None]] = field(default_factory=list)
    around_network: list[Callable[[DenoisingNetwork], DenoisingNetwork]] = field(default_factory=list)
    after_network: list[Callable[[NetworkOutput], None]] = field(default_factory=list)
    after_guidance: list[Callable[[Tensor, GuidedNetwork], Tensor]] = field(default_factory=list)
    around_guidance: list[Callable[[PredictNoise], PredictNoise]] = field(default_factory=list)
    during_step: list[Callable[[StepMoment], None]] = field(default_factory=list)
    change_extra_noise: list[ExtraNoise] = field(default_factory=list)
    stepper: Sampler | None = None
    guided: GuidedNetwork | None = None
    resources: ExitStack = field(default_factory=ExitStack)
    encode: EncodeTexts | None = None
    _attached: ExitStack | None = None

    @property
    def total_steps(self) -> int:
        """How many steps to expect; DPM adaptive decides for itself, DDIM may make one less."""
        return self.steps if self._part is None else self._part.t_enc + 1

    @property
    def effects(self) -> set[str]:
        """A1111's infotext keys of the guidance options that took effect in the run."""
        return self.guided.effects if self.guided else set()

    @torch.no_grad()
    def run(self) -> Generator[Step, None, None]:
        """Steps, at least one. Closing it detaches every adapter."""
        sampler = self._sampler
        self.guided = self._guided_network(sampler)
        with self.resources, ExitStack() as attached:
            self._attached = attached
            for adapter in self.adapters:
                attached.enter_context(adapter.attach(self.network))
            route = self._route(sampler)
            called: PredictNoise = self.guided
            for wrap in self.around_guidance:
                called = wrap(called)
            step = None
            for step in self._walk(sampler, called, route):
                self.guided.sampling_step = step.index
                yield step
            if step is None:
                # Nothing to walk: the start is the result.
                yield Step(0, torch.zeros(()), route.latent, route.latent)

    def exchange(
        self,
        network: nn.Module,
        prediction: Prediction,
        cond: Conditioning,
        uncond: Conditioning,
        family: str = "",
    ) -> None:
        """Go on with another network and its prompts, in the middle of a run: a refiner takes over.

        Functions and adapters made for a network of another family are dropped, unless they say that they fit
        (`fits_all_families`).
        """
        if family != self.family:
            self._drop_unfit()
            self.family = family
        assert self.guided is not None, "the run has not begun"
        assert self._attached is not None, "the run has not begun"
        for adapter in self.adapters:
            self._attached.enter_context(adapter.attach(network))
        self.network, self.prediction, self.cond, self.uncond = network, prediction, cond, uncond
        guided = self.guided
        guided.network, guided.cond, guided.uncond = network, cond, uncond
        guided.preconditioning = self._preconditioning(self._sampler)

    def _drop_unfit(self) -> None:
        """Forget what was made for the network's family. The lists are those that the guided network has."""
        keep_fitting(self.before_evaluation)
        keep_fitting(self.before_guidance)
        keep_fitting(self.before_network)
        keep_fitting(self.around_network)
        keep_fitting(self.after_network)
        keep_fitting(self.after_guidance)
        keep_fitting(self.adapters)

    @property
    def _sampler(self) -> Sampler:
        return self.stepper or sampler_of(self.sampler)

    @property
    def _part(self) -> Img2ImgSteps | None:
        """The part of the schedule to run from an image; None from noise."""
        init = self.init
        if init is None:
            return None
        return img2img_steps(
            self.steps,
            init.denoising_strength,
            fix_steps=init.fix_steps,
            second_pass_steps=init.second_pass_steps,
        )

    @property
    def schedule_steps(self) -> int:
        """The steps of the whole schedule, of which from an image the last ones are run."""
        part = self._part
        return self.steps if part is None else part.total

    def _guided_network(self, sampler: Sampler) -> GuidedNetwork:
        return GuidedNetwork(
            self.network,
            self._preconditioning(sampler),
            self.cond,
            self.uncond,
            self.guidance,
            Hooks(
                self.before_evaluation,
                self.before_guidance,
                self.before_network,
                self.around_network,
                self.after_network,
                self.after_guidance,
            ),
            total_evaluations=self.total_steps * (2 if sampler.info.is_second_order else 1),
            image_conditioning=self.image_conditioning,
            mask=self.mask,
            blends_before=sampler.info.uses_timesteps,
            cfg_factor=sampler.cfg_factor,
        )

    def _preconditioning(self, sampler: Sampler) -> Preconditioning:
        """How this sampler sees the network."""
        if sampler.info.uses_timesteps:
            return TimestepPreconditioning(self.prediction)
        if sampler.is_consistency:
            return ConsistencyPreconditioning(self.prediction)
        return SigmaPreconditioning(self.prediction)

    def _levels(self, sampler: Sampler) -> NoiseLevels:
        return self.prediction.consistency_levels() if sampler.is_consistency else self.prediction.levels

    def _route(self, sampler: Sampler) -> Route:
        """The start, and the levels to walk along."""
        noise = self.noise.draw() if self.first_noise is None else self.first_noise
        part = self._part
        discard = self.options.always_discard_next_to_last_sigma
        steps = self.schedule_steps
        if sampler.info.uses_timesteps:
            timesteps = sampler_timesteps(max(steps, 1), discard=discard)
            alphas = self.prediction.alphas_cumprod
            return timestep_route(noise, timesteps, alphas, self.init, part, self._extra_noise)
        sigmas = self.sigmas
        if sigmas is None:
            levels, options = self._levels(sampler), self.schedule_options
            sigmas = sampler_sigmas(sampler.info, self.schedule, steps, levels, options, discard=discard)
        if self.init is None or part is None:
            scale = torch.sqrt(1.0 + sigmas[0] ** 2.0) if self.options.sgm_noise_multiplier else sigmas[0]
            return Route(noise * scale, sigmas, sigmas)
        return sigma_route(noise, sigmas, self.init, part, self._extra_noise)

    def _extra_noise(self, noise: Tensor, latent: Tensor, noised: Tensor) -> Tensor:
        """The noise that is added once more, as extensions want it."""
        for change in self.change_extra_noise:
            noise = change(noise, latent, noised)
        return noise

    def _watch(self, moment: StepMoment) -> None:
        for look in self.during_step:
            look(moment)

    def _walk(self, sampler: Sampler, guided: PredictNoise, route: Route) -> Iterator[Step]:
        """The sampler's steps."""
        noise = self._noise_source(sampler, route)
        options = replace(self.sampler_options, starts_from_image=self.init is not None, watch=self._watch)
        if sampler.in_timesteps is not None:
            return sampler.in_timesteps(guided, route.latent, route.levels, noise, options)
        assert sampler.in_sigmas is not None, "a sampler has one function"
        sigmas = route.levels
        if sampler.spans_trained_range and self.init is None:
            levels = self.prediction.levels
            options = replace(options, sigma_range=(levels.sigma_min, levels.sigma_max))
            sigmas = levels.uniform(self.steps)
        return sampler.in_sigmas(guided, route.latent, sigmas, noise, options)

    def _noise_source(self, sampler: Sampler, route: Route) -> NoiseSource:
        """The noise of steps: Brownian where the sampler integrates an SDE."""
        if not sampler.info.uses_brownian_noise:
            return self.noise.source
        positive = route.all_levels[route.all_levels > 0]
        is_per_image = not self.options.no_batch_determinism
        return self.noise.brownian(float(positive.min()), float(positive.max()), is_per_image=is_per_image)


def keep_fitting(functions: list[Any]) -> None:
    """Leave in a list what fits networks of all families."""
    functions[:] = [each for each in functions if getattr(each, "fits_all_families", False)]


def sigma_route(
    noise: Tensor, sigmas: Tensor, init: InitImage, part: Img2ImgSteps, extra: ExtraNoise = unchanged
) -> Route:
    """From an image, along the last of the sigmas. `extra` is asked for the noise that is added once more."""
    first = max(part.total - part.t_enc - 1, 0)
    rest = sigmas[first:]
    latent = init.latent + noise * rest[0]
    if init.extra_noise > 0:
        latent = latent + extra(noise, init.latent, latent) * init.extra_noise
    return Route(latent, rest, sigmas)


def timestep_route(
    noise: Tensor,
    timesteps: Tensor,
    alphas_cumprod: Tensor,
    init: InitImage | None,
    part: Img2ImgSteps | None,
    extra: ExtraNoise = unchanged,
) -> Route:
    """From noise along all timesteps, or from an image along the first of them. `extra` as above."""
    if init is None or part is None:
        return Route(noise, timesteps, timesteps)
    alpha = alphas_cumprod[timesteps[min(part.t_enc, len(timesteps) - 1)]].float()
    latent = init.latent * alpha.sqrt() + noise * (1 - alpha).sqrt()
    if init.extra_noise > 0:
        latent = latent + extra(noise, init.latent, latent) * init.extra_noise * alpha.sqrt()
    return Route(latent, timesteps[: part.t_enc], timesteps)
