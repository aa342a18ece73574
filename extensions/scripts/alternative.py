"""img2img alternative test: the noise that would give the picture with another prompt, and a run from it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from extensions.scripts.base import NestedRun, ScriptPart
from extensions.scripts.changes import change
from webui.plugins import ImageReady, InvalidRequest

if TYPE_CHECKING:
    from torch import Tensor

    from webui.plugins import Batch, Context, Denoising, Event, GenerationRequest


class AlternativePart(ScriptPart):
    """In the order of A1111's arguments."""

    key: ClassVar[str] = "img2img_alternative"
    title: ClassVar[str] = "img2img alternative test"
    about: ClassVar[str] = "CFG Scale should be 2 or lower."
    tabs: ClassVar = ("img2img",)
    has_note: ClassVar[bool] = True

    override_sampler: bool = Field(
        default=True, title="Override `Sampling method` to Euler?(this method is built for it)"
    )
    override_prompt: bool = Field(
        default=True,
        title="Override `prompt` to the same value as `original prompt`?(and `negative prompt`)",
    )
    original_prompt: str = Field(default="", title="Original prompt", max_length=200_000)
    original_negative_prompt: str = Field(default="", title="Original negative prompt", max_length=200_000)
    override_steps: bool = Field(
        default=True, title="Override `Sampling Steps` to the same value as `Decode steps`?"
    )
    decode_steps: int = Field(default=50, ge=1, le=150, title="Decode steps")
    override_strength: bool = Field(default=True, title="Override `Denoising strength` to 1?")
    decode_cfg_scale: float = Field(default=1.0, ge=0, le=15, title="Decode CFG scale")
    randomness: float = Field(default=0.0, ge=0, le=1, title="Randomness")
    sigma_adjustment: bool = Field(default=False, title="Sigma adjustment for finding noise for image")


@dataclass(slots=True)
class NoiseSearch:
    """What one run of the script is about: first it looks for the noise, then it uses it."""

    part: AlternativePart
    stage: Literal["find", "use"] = "find"
    noise: Tensor | None = None


@dataclass(slots=True)
class Alternative:
    """The script. `searches` are those that run, by their job's state; there is one device thread."""

    title: str = "img2img alternative test"
    part: type[AlternativePart] = AlternativePart
    searches: dict[int, NoiseSearch] = field(default_factory=dict[int, NoiseSearch])

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """Find the noise by a run with the original prompts, then make the picture. Raises WebuiError."""
        part = AlternativePart.of(request) or AlternativePart()
        if not request.init_images:
            raise InvalidRequest("There is no picture. Choose the tab img2img and add one.")
        with self._search(part, context) as search:
            original: dict[str, object] = {
                "prompt": part.original_prompt,
                "negative_prompt": part.original_negative_prompt,
            }
            plain = change(request, batch_size=1, batch_count=1, loopback=None, hires=None, sampler="Euler")
            finding = NestedRun(0, 2, what="finding the noise")
            # One step: what is looked for comes before it.
            for event in context.events(change(plain, **original, steps=1, denoising_strength=0)):
                placed = finding.place(event)
                if placed is not None and not isinstance(placed, ImageReady):
                    yield placed
            if search.noise is None or context.stop.is_stopped:
                return
            search.stage = "use"
            making = NestedRun(1, 2, what="making the picture")
            for event in context.events(request_with(part, request)):
                placed = making.place(event)
                if isinstance(placed, ImageReady) and not placed.aside:
                    placed = describe(placed, part)
                if placed is not None:
                    yield placed

    @contextmanager
    def _search(self, part: AlternativePart, context: Context) -> Iterator[NoiseSearch]:
        key = id(context.state)
        self.searches[key] = NoiseSearch(part)
        try:
            yield self.searches[key]
        finally:
            del self.searches[key]

    def prepare(self, denoising: Denoising, batch: Batch, context: Context) -> None:
        """The moment before sampling: look for the noise, or begin with it."""
        search = self.searches.get(id(context.state))
        if search is None or denoising.init is None or batch.is_second_pass:
            return
        if search.stage == "find":
            search.noise = find_noise(denoising, search.part)
        elif search.noise is not None:
            denoising.first_noise = mix(search.noise, denoising, search.part)
            # Once: what others run within this run is theirs.
            search.noise = None


def request_with(part: AlternativePart, request: GenerationRequest) -> GenerationRequest:
    """The request of the picture itself, with what the form overrides."""
    changes: dict[str, object] = {"batch_size": 1, "batch_count": 1, "loopback": None}
    if part.override_sampler:
        changes["sampler"] = "Euler"
    if part.override_prompt:
        changes |= {"prompt": part.original_prompt, "negative_prompt": part.original_negative_prompt}
    if part.override_steps:
        changes["steps"] = part.decode_steps
    if part.override_strength:
        changes["denoising_strength"] = 1.0
    return change(request, **changes)


def find_noise(denoising: Denoising, part: AlternativePart) -> Tensor:
    """Euler's steps backwards, from the picture to noise of unit spread, (B, C, h, w)."""
    from webui.plugins import Guidance, GuidedNetwork, Hooks, SigmaPreconditioning

    assert denoising.init is not None, "it begins with a picture"
    sigmas = denoising.prediction.levels.uniform(part.decode_steps).flip(0)
    guided = GuidedNetwork(
        denoising.network,
        SigmaPreconditioning(denoising.prediction),
        denoising.cond,
        denoising.uncond,
        Guidance(cfg_scale=part.decode_cfg_scale, padding=denoising.guidance.padding),
        Hooks([], [], [], [], []),
        total_evaluations=part.decode_steps,
        image_conditioning=denoising.image_conditioning,
    )
    latent = denoising.init.latent
    with ExitStack() as attached:
        for adapter in denoising.adapters:
            attached.enter_context(adapter.attach(denoising.network))
        for lower, upper in pairwise(sigmas):
            # With the adjustment the network looks from the lower level; from none at all there is no step.
            level = lower if part.sigma_adjustment else upper
            if level > 0:
                latent = latent + (latent - guided(latent, level)) / level * (upper - lower)
    return latent / (sigmas[-1] if part.sigma_adjustment else latent.std())


def mix(found: Tensor, denoising: Denoising, part: AlternativePart) -> Tensor:
    """What the run begins with in place of noise: what was found, some chance, and the picture taken away."""
    assert denoising.init is not None, "it begins with a picture"
    share = part.randomness
    drawn = denoising.noise.draw()
    noise = ((1 - share) * found + share * drawn) / (share**2 + (1 - share) ** 2) ** 0.5
    return noise - denoising.init.latent / denoising.prediction.levels.sigma_max


def describe(ready: ImageReady, part: AlternativePart) -> ImageReady:
    """The picture with A1111's keys in its infotext."""
    from extensions.scripts.sheets import with_entries

    entries = {
        "Decode prompt": part.original_prompt,
        "Decode negative prompt": part.original_negative_prompt,
        "Decode CFG scale": str(part.decode_cfg_scale),
        "Decode steps": str(part.decode_steps),
        "Randomness": str(part.randomness),
        "Sigma Adjustment": str(part.sigma_adjustment),
    }
    return ready.model_copy(update={"infotext": with_entries(ready.infotext, entries), "request": None})
