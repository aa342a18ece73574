"""Prompt and negative prompt to what the network reads, remembered across runs."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from webui.core.request import GenerationRequest
from webui.core.sampling import find_sampler
from webui.diffusion.conditioning import Conditioning, EncodedPart
from webui.diffusion.text_encoder import EncodingOptions, PictureSize, TextEncoder
from webui.models.conditioning_cache import ConditioningCache
from webui.models.files.embeddings import UsableEmbeddings
from webui.models.loaded_model import LoadedModel
from webui.models.prompt_networks import Activated
from webui.pipelines.networks import activate
from webui.plugins.batch import Batch
from webui.plugins.context import Context
from webui.prompts.conditioning import PromptPlan, Timeline, plan
from webui.prompts.syntax import lift_networks

# Embeddings that were used and their hashes, as A1111's "TI hashes" has them.
EmbeddingHashes = tuple[tuple[str, str], ...]
# Prompt and negative prompt without networks.
Texts = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedBatch:
    """What the network reads for each picture of a batch; `padding` (77, D) is the empty prompt.

    `embedding_hashes` has an entry for each picture. `read` encodes further texts in the same way.
    """

    cond: Conditioning
    uncond: Conditioning
    padding: Tensor | None
    activated: Activated
    warnings: tuple[str, ...] = ()
    embedding_hashes: tuple[EmbeddingHashes, ...] = ()
    read: "TextReader | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class EncodedTexts:
    """AND parts of one picture's prompt and negative prompt."""

    cond: tuple[EncodedPart, ...]
    uncond: tuple[EncodedPart, ...]
    warnings: tuple[str, ...]
    embedding_hashes: EmbeddingHashes


def encode_batch(
    sd: LoadedModel,
    batch: Batch,
    context: Context,
    first_pass: GenerationRequest | None = None,
) -> EncodedBatch:
    """Apply the networks a batch's prompts name, then encode its prompts, or find them in the cache.

    All its pictures name the same networks (see `split_by_networks`). Prompt editing in a second pass goes on
    where the `first_pass` ended.
    """
    request = batch.request
    activated = activate(batch, sd, context)
    # As in A1111, networks are read in the prompt only.
    texts = tuple((lift_networks(each.prompt)[0], each.negative_prompt) for each in batch.pictures)
    texts = context.plugins.change(
        "change_texts",
        texts,
        context.tell,
        name="texts",
        check=texts_of(len(texts)),
        batch=batch,
        context=context,
    )
    options = request.options
    timeline = Timeline(calls_of(first_pass or request), old_timelines=options.use_old_scheduling)
    if first_pass is not None:
        timeline = replace(timeline, hires_steps=calls_of(request))
    read = TextReader(sd, request, context, timeline, activated)
    known = {each: read(*each) for each in dict.fromkeys(texts)}
    encoded = [known[each] for each in texts]
    pads = options.pad_cond_uncond or options.pad_cond_uncond_v0
    return EncodedBatch(
        Conditioning(tuple(each.cond for each in encoded)),
        Conditioning(tuple(each.uncond for each in encoded)),
        read.empty() if pads else None,
        activated,
        tuple(dict.fromkeys(text for each in encoded for text in each.warnings)),
        tuple(each.embedding_hashes for each in encoded),
        read,
    )


def texts_of(count: int) -> Callable[[tuple[Texts, ...]], None]:
    """A check of what a hook returns: so many pairs of texts."""

    def check(texts: tuple[Texts, ...]) -> None:
        if len(texts) != count or not all(isinstance(text, str) for pair in texts for text in pair):
            raise ValueError(f"it must return {count} pairs of texts")

    return check


@dataclass(frozen=True, slots=True)
class TextReader:
    """Encodes texts for one pass over a checkpoint, with the embeddings that they name."""

    sd: LoadedModel
    request: GenerationRequest
    context: Context
    timeline: Timeline
    activated: Activated

    def __call__(self, prompt: str, negative_prompt: str) -> EncodedTexts:
        """A prompt and a negative prompt; their networks are lifted out already."""
        positive = plan(prompt, self.timeline)
        negative = plan(negative_prompt, self.timeline, is_negative=True)
        usable = self._usable((*positive.texts, *negative.texts))
        encode = self._encoder(usable)
        return EncodedTexts(
            encode(positive, is_negative=False),
            encode(negative, is_negative=True),
            tuple(dict.fromkeys((*positive.warnings, *negative.warnings, *usable.warnings))),
            encode.used((negative, positive), usable.short_hashes) if usable.inversions else (),
        )

    def encode(self, prompt: str, negative_prompt: str) -> tuple[tuple[EncodedPart, ...], ...]:
        """AND parts of a prompt, and of a negative prompt; networks in the prompt are passed over."""
        texts = self(lift_networks(prompt)[0], negative_prompt)
        return texts.cond, texts.uncond

    def empty(self) -> Tensor:
        """The empty prompt (77, D)."""
        encode = self._encoder(self._usable(()))
        return encode(plan("", self.timeline), is_negative=False)[0].schedule[0].embedding.crossattn

    def _usable(self, texts: tuple[str, ...]) -> UsableEmbeddings:
        embeddings, towers = self.context.models.networks.embeddings, self.sd.text_encoder.towers
        return embeddings.usable(texts, towers, self.activated.embeddings)

    def _encoder(self, usable: UsableEmbeddings) -> "Encoder":
        text_encoder = replace(self.sd.text_encoder, inversions=usable.inversions)
        key = (self.sd.text_key, usable.key)
        options = encoding_options(self.request)
        return Encoder(self.sd, text_encoder, key, options, self.context.models.conditioning)


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

        One that is used by both of SDXL's text encoders, or in both prompts, is there twice, as A1111 has it;
        one without a hash is left out.
        """
        runs = [run for plan in planned for run in self.text_encoder.used_inversions(plan, self.options)]
        return tuple(
            (name, short_hashes[name]) for run in reversed(runs) for name in run if short_hashes[name]
        )


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
