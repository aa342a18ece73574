"""Prompt and negative prompt to what the network reads, remembered across runs."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from webui.core.request import GenerationRequest
from webui.core.sampling import find_sampler
from webui.diffusion.conditioning import EncodedPart
from webui.diffusion.text_encoder import EncodingOptions, PictureSize, TextEncoder
from webui.models.conditioning_cache import ConditioningCache
from webui.models.loaded_model import LoadedModel
from webui.models.prompt_networks import Activated
from webui.pipelines.context import Context
from webui.pipelines.networks import activate
from webui.prompts.conditioning import PromptPlan, Timeline, plan
from webui.prompts.syntax import lift_networks


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPrompts:
    """AND parts of a picture's prompt and negative prompt; `padding` (77, D) is the empty prompt."""

    cond: tuple[EncodedPart, ...]
    uncond: tuple[EncodedPart, ...]
    padding: Tensor | None
    activated: Activated
    warnings: tuple[str, ...] = ()
    # A1111's "TI hashes": embeddings that were used, and their hashes.
    embedding_hashes: tuple[tuple[str, str], ...] = ()


def encode_prompts(
    sd: LoadedModel,
    request: GenerationRequest,
    context: Context,
    first_pass: GenerationRequest | None = None,
) -> EncodedPrompts:
    """Apply the networks a request's prompt names, then encode its prompts, or find them in the cache.

    Prompt editing in a second pass goes on where the `first_pass` ended.
    """
    activated = activate(request, sd, context)
    options = request.options
    timeline = Timeline(calls_of(first_pass or request), old_timelines=options.use_old_scheduling)
    if first_pass is not None:
        timeline = replace(timeline, hires_steps=calls_of(request))
    prompt = plan(lift_networks(request.prompt)[0], timeline)
    # As in A1111, networks are read in the prompt only.
    negative = plan(request.negative_prompt, timeline, is_negative=True)
    texts = (*prompt.texts, *negative.texts)
    models, towers = context.models, sd.text_encoder.towers
    usable = models.networks.embeddings.usable(texts, towers, activated.embeddings)
    text_encoder = replace(sd.text_encoder, inversions=usable.inversions)
    encode = Encoder(
        sd, text_encoder, (sd.text_key, usable.key), encoding_options(request), models.conditioning
    )
    pads = options.pad_cond_uncond or options.pad_cond_uncond_v0
    empty = encode(plan("", timeline), is_negative=False)[0].schedule[0].embedding.crossattn if pads else None
    return EncodedPrompts(
        encode(prompt, is_negative=False),
        encode(negative, is_negative=True),
        empty,
        activated,
        tuple(dict.fromkeys((*prompt.warnings, *negative.warnings, *usable.warnings))),
        encode.used((negative, prompt), usable.short_hashes) if usable.inversions else (),
    )


def calls_of(request: GenerationRequest) -> int:
    """How often the network is called; second-order samplers call it twice a step."""
    return request.steps * (2 if find_sampler(request.sampler).is_second_order else 1)


@dataclass(frozen=True, slots=True)
class Encoder:
    """A checkpoint's text encoder behind the cache; `key` is what decides its output besides the prompt."""

    sd: LoadedModel
    text_encoder: TextEncoder
    key: Hashable
    options: EncodingOptions
    cache: ConditioningCache

    def __call__(self, planned: PromptPlan, *, is_negative: bool) -> tuple[EncodedPart, ...]:
        """The plan's AND parts, encoded."""

        def read() -> tuple[EncodedPart, ...]:
            return self.text_encoder.encode_plan(planned, self.options, is_negative=is_negative)

        key = (self.key, planned.parts, self.options, is_negative)
        return self.cache.get_or_make(key, lambda: self.sd.read_text(read))

    def used(
        self, planned: Iterable[PromptPlan], short_hashes: Mapping[str, str]
    ) -> tuple[tuple[str, str], ...]:
        """Embeddings used and their hashes in A1111's order: those of the text encoded last come first.

        One that is used by both of SDXL's text encoders, or in both prompts, is there twice, as A1111 has it.
        """
        runs = [run for plan in planned for run in self.text_encoder.used_inversions(plan, self.options)]
        return tuple((name, short_hashes[name]) for run in reversed(runs) for name in run)


def encoding_options(request: GenerationRequest) -> EncodingOptions:
    """What the request says about reading prompts."""
    options = request.options
    return EncodingOptions(
        emphasis=options.emphasis,
        clip_skip=options.clip_skip,
        comma_backtrack=options.comma_padding_backtrack,
        sdxl_clip_l_skip=options.sdxl_clip_l_skip,
        size=PictureSize(request.width, request.height),
        crop_top=options.sdxl_crop_top,
        crop_left=options.sdxl_crop_left,
        low_aesthetic_score=float(options.sdxl_refiner_low_aesthetic_score),
        high_aesthetic_score=float(options.sdxl_refiner_high_aesthetic_score),
    )


def old_timelines_matter(request: GenerationRequest) -> bool:
    """Whether the prompts come out otherwise under the old counting of steps."""
    calls = calls_of(request)
    texts = (request.prompt, request.negative_prompt)
    return any(
        plan(text, Timeline(calls)) != plan(text, Timeline(calls, old_timelines=True)) for text in texts
    )
