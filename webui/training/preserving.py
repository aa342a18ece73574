"""What a checkpoint knew stays: to prompts without the new word the network answers as before the run.

Some of each batch's captions are shown once more with everyday things in place of what is learned, and the
network with its change shall answer to them as the network without. Prior preservation (Ruiz et al. 2023)
asks for the same by pictures; asking the network itself needs none.
"""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from webui.core.work.training_run import TrainingRun
from webui.training.data.batch import TrainingBatch
from webui.training.losses import measure_errors
from webui.training.networks import TextInput, TrainingNetworks
from webui.training.seeds import seed_for

THINGS = (
    "house", "tree", "car", "cat", "dog", "bird", "fish", "boat", "flower", "star", "cup", "rabbit", "tower",
    "balloon", "umbrella", "mushroom", "horse", "chair", "table", "bicycle", "bridge", "book", "lamp", "hat",
    "apple", "woman", "man", "child", "bear", "cow",
)  # fmt: skip
COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "brown", "", "", "",
)  # fmt: skip
SIZES = ("big", "small", "", "")
STYLES = (
    "watercolour", "oil painting", "pencil drawing", "ink drawing", "pixel art", "flat illustration", "photo",
    "sketch", "cartoon", "anime",
)  # fmt: skip
# Where the new words name an everyday thing too, as "zap house" does, others of its kind shall stay what they
# were: so often it stands there by itself.
CLASS_SHARE = 0.5
# So often a caption has more things, one or two of them, before what it says: whoever draws several together
# shall be answered as before, too.
MORE_SHARE = 0.5
# Words of captions that are never what is learned.
COMMON = frozenset(
    (
        "a", "an", "the", "of", "in", "on", "at", "by", "with", "and", "or", "to", "from", "for", "is", "are",
        "as", "this", "that", "it", "its", "under", "over", "near", "front", "photo", "picture", "image",
        "drawing", "painting", "illustration", "style", "look",
    )
)  # fmt: skip
# The share of captions that lose the new word and get nothing for it.
EMPTY_SHARE = 0.25
# Where the new word is a tag of its own it may be a look: so often another look stands there, else a thing.
STYLE_SHARE = 0.5
# The share of captions that may lack the new word.
LACKING_SHARE = 0.2
_WORD = re.compile(r"\w+(?:['-]\w+)*")


@runtime_checkable
class Suspendable(Protocol):
    """A `Trainable` that can be taken from the networks and put back between two calls."""

    @property
    def trains_text(self) -> bool:
        """Whether gradients go through the text encoders."""
        ...

    def suspend(self) -> AbstractContextManager[None]:
        """While the context is open the networks answer as before the run. It is attached meanwhile."""
        ...


def find_new_words(captions: Sequence[str], trigger: str = "") -> tuple[str, ...]:
    """What nearly all captions have in common: the words that are learned, in the order of the captions."""
    if trigger:
        return tuple(_WORD.findall(trigger))
    texts = [words_of(caption) for caption in captions if caption.strip()]
    counts = Counter(word for words in texts for word in set(words))
    # One caption in five may lack the word, or have it misspelt.
    least = max(1, len(texts) - int(LACKING_SHARE * len(texts)))
    shared = {word for word, count in counts.items() if count >= least} - COMMON
    return tuple(dict.fromkeys(word for words in texts for word in words if word in shared))


def words_of(caption: str) -> list[str]:
    """Its words in small letters."""
    return [word.lower() for word in _WORD.findall(caption)]


def put_everyday_thing(caption: str, words: Sequence[str], random: Random) -> str:
    """The caption with an everyday thing, a look, or nothing, in place of the new words; and more things."""
    thing = ""
    if is_tag(caption, words) and random.random() < STYLE_SHARE:
        thing = random.choice(STYLES)
    elif random.random() >= EMPTY_SHARE:
        kinds = [word for word in words if word.lower() in THINGS]
        thing = choose_thing(random, kinds if kinds and random.random() < CLASS_SHARE else THINGS)
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    left = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)
    begun = left.sub("\0", caption, count=1) if words else caption
    changed = left.sub("", begun).replace("\0", thing) if words else caption
    tags = (re.sub(r"\s+", " ", tag).strip() for tag in changed.split(","))
    kept = ", ".join(tag for tag in tags if tag)
    more = [f"a {choose_thing(random)}" for _ in range(random.choice((1, 2)))]
    return " and ".join((*more, kept)) if kept and random.random() < MORE_SHARE else kept


def choose_thing(random: Random, kinds: Sequence[str] = THINGS) -> str:
    """An everyday thing, of these kinds if there are any, with a size and a colour or without."""
    parts = (random.choice(SIZES), random.choice(COLOURS), random.choice(kinds or THINGS))
    return " ".join(part for part in parts if part)


def is_tag(caption: str, words: Sequence[str]) -> bool:
    """Whether the new words, or some of them, are all of a tag."""
    new = {word.lower() for word in words}
    return any(found and set(found) <= new for found in map(words_of, caption.split(",")))


@dataclass(frozen=True, slots=True, eq=False)
class Preserving:
    """How much a run's change moves answers that shall stay."""

    run: TrainingRun
    networks: TrainingNetworks
    trainable: Suspendable
    words: tuple[str, ...]

    @property
    def weight(self) -> float:
        """Beside the loss of what is learned."""
        return self.run.preserve or 0.0

    def measure(
        self, place: int, noisy: Tensor, timestep: Tensor, batch: TrainingBatch
    ) -> tuple[Tensor, Tensor]:
        """Errors (b,) and their timesteps (b,) of every second picture of the batch at a place of the run.

        `noisy` (B, 4, h, w) is the batch with its noise, at `timestep` (B,).
        """
        rows = slice(place % 2, None, 2) if len(noisy) > 1 else slice(None)
        noisy, timestep = noisy[rows], timestep[rows]
        random = Random(seed_for(self.run.seed, "preserve", place))
        captions = [put_everyday_thing(each, self.words, random) for each in batch.captions[rows]]
        with torch.no_grad(), self.trainable.suspend():
            before = self.networks.predict(noisy, timestep, self._read(captions, batch, rows))
        with torch.set_grad_enabled(self.trainable.trains_text):
            text = self._read(captions, batch, rows)
        return measure_errors(self.networks.predict(noisy, timestep, text), before, None), timestep

    def _read(self, captions: Sequence[str], batch: TrainingBatch, rows: slice) -> TextInput:
        text = self.networks.encode_text(captions, self.run.clip_skip or 1)
        return self.networks.tell_sizes(text, batch.sizes[rows])


def make_preserving(
    run: TrainingRun, networks: TrainingNetworks, trainable: object, captions: Sequence[str]
) -> Preserving | None:
    """For a run that asks for it, whose method can be suspended, and whose captions share a word."""
    words = find_new_words(captions, run.trigger or "")
    if not run.preserve or not words or not isinstance(trainable, Suspendable):
        return None
    return Preserving(run, networks, trainable, words)
