"""What a run is trained with where it does not say: by method, goal, memory and the network's size.

The numbers are kohya's proven ones for the published networks. For small ones those of LoRA were measured
on the Starter, and other adapters have as many steps (docs/training.md). Loads no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from webui.core.model_file import Family
from webui.core.work.training_run import Method, TrainingRun
from webui.training.facts import RunFacts

# Fields that say what is asked for; all others have presets.
ASKED = frozenset({"method", "checkpoint", "name", "data", "goal", "memory"})
ADAPTERS = frozenset({"lora", "locon", "loha", "lokr", "dora"})
# Those that train convolutions of any network. In a small one attention lies in the coarse middle only, where
# thin stripes cannot be told apart: there all adapters do.
CONVOLVING = frozenset({"locon", "loha", "lokr"})
WHOLE = frozenset({"dreambooth", "finetune", "controlnet"})
# Those that could unlearn other things, and of which a small network does.
PRESERVING = ADAPTERS | {"dreambooth", "finetune", "hypernetwork"}
# Sides of buckets are multiples of this many pixels: the U-Net halves its latents three times.
BUCKET_STEP = 64
DEFAULT_SEED = 1
SAMPLES = 3
MIN_SNR_GAMMA = 5.0
# Twice the weight of what is learned, or four times where weights change as a whole: measured on the Starter
# (docs/training.md).
PRESERVED, PRESERVED_MORE = 2.0, 4.0
PRESERVING_MORE = frozenset({"dreambooth", "finetune", "loha", "lokr", "hypernetwork"})
# Vectors of a word: a small network's text encoder, of 128 numbers a token, tells little by each.
VECTORS, SMALL_VECTORS = 4, 16
CHANNEL_RATIO = 2.0
USUAL_NATIVE = 512


@dataclass(frozen=True, slots=True)
class ChosenValue:
    """A preset's value for a field, and why."""

    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a method learns: rates, how many steps a picture needs, and between which bounds."""

    rate: float
    text_rate: float
    steps_per_picture: int
    least: int
    most: int
    batch: int


# For networks of the published sizes.
PACES: Mapping[Method, Pace] = MappingProxyType(
    {
        "lora": Pace(1e-4, 5e-5, 100, 800, 3000, 2),
        "locon": Pace(1e-4, 5e-5, 100, 800, 3000, 2),
        "loha": Pace(2e-4, 1e-4, 100, 800, 3000, 2),
        "lokr": Pace(4e-4, 2e-4, 100, 800, 3000, 2),
        "dora": Pace(1e-4, 5e-5, 80, 700, 2500, 2),
        "textual_inversion": Pace(5e-3, 5e-3, 150, 1500, 4000, 2),
        "hypernetwork": Pace(2e-5, 0.0, 200, 2000, 8000, 2),
        "dreambooth": Pace(2e-6, 1e-6, 80, 800, 2000, 1),
        "finetune": Pace(5e-6, 2.5e-6, 50, 1000, 20_000, 4),
        "controlnet": Pace(1e-5, 0.0, 20, 2000, 20_000, 4),
    }
)
# For networks a hundredth of that size, which learn a word in some hundreds of steps.
SMALL_PACES: Mapping[Method, Pace] = MappingProxyType(
    {
        "lora": Pace(1.2e-3, 6e-4, 32, 350, 500, 4),
        "locon": Pace(1.2e-3, 6e-4, 32, 350, 500, 4),
        # Its product of two products moves faster: at four times this rate the loss rose.
        "loha": Pace(6e-4, 3e-4, 32, 350, 500, 4),
        "lokr": Pace(2.4e-3, 1.2e-3, 32, 350, 500, 4),
        "dora": Pace(1.2e-3, 6e-4, 32, 350, 500, 4),
        "textual_inversion": Pace(3e-2, 3e-2, 40, 500, 800, 4),
        "hypernetwork": Pace(5e-4, 0.0, 40, 500, 800, 4),
        "dreambooth": Pace(1e-4, 1e-4, 30, 300, 500, 4),
        "finetune": Pace(1e-4, 1e-4, 30, 300, 2000, 4),
        "controlnet": Pace(3e-4, 0.0, 40, 500, 3000, 4),
    }
)
RANKS: Mapping[str, int] = MappingProxyType({"character": 16, "style": 32, "object": 16, "concept": 16})
# A tenth of the rate does for whole networks of SDXL's size.
SDXL_WHOLE_RATES = 0.5
OPTIMIZER_RATES: Mapping[str, float] = MappingProxyType({"lion": 0.2})


def fill(run: TrainingRun, facts: RunFacts) -> TrainingRun:
    """The run with a value in every field but `prediction`, where it is not known before loading."""
    return run.model_copy(update={name: choice.value for name, choice in choose(run, facts).items()})


def explain(run: TrainingRun, facts: RunFacts) -> dict[str, str]:
    """Why each field that the run leaves open has the value that `fill` gives it."""
    return {name: choice.why for name, choice in choose(run, facts).items()}


def choose(run: TrainingRun, facts: RunFacts) -> dict[str, ChosenValue]:
    """The presets of the fields that a run leaves open."""
    preset = RunPreset(run, facts)
    parts = (preset.data(), preset.network(), preset.learning(), preset.noise(), preset.captions())
    found: dict[str, ChosenValue] = {}
    for part in (*parts, preset.saving(), preset.speed()):
        found |= part
    if run.epochs is not None:
        # Steps follow from the epochs, as soon as the data set is read.
        found.pop("steps", None)
    return {name: choice for name, choice in found.items() if getattr(run, name) is None}


@dataclass(frozen=True, slots=True)
class RunPreset:
    """The choices for one run."""

    run: TrainingRun
    facts: RunFacts

    @property
    def pace(self) -> Pace:
        """How fast the run's method learns on its network."""
        return (SMALL_PACES if self.facts.is_small else PACES)[self.run.method]

    @property
    def trains_whole(self) -> bool:
        """Whether the network's own weights are trained, or a copy of them."""
        return self.run.method in WHOLE and not self.as_lora

    @property
    def as_lora(self) -> bool:
        """Whether DreamBooth trains a LoRA."""
        if self.run.method != "dreambooth":
            return False
        return self.memory == "low" if self.run.as_lora is None else self.run.as_lora

    @property
    def lacks_words(self) -> bool:
        """Whether something is learned that shall come with a word, and no caption has one."""
        is_called = self.run.method in ADAPTERS or self.run.method == "dreambooth"
        has_words = any(caption.strip() for caption in self.facts.captions)
        return is_called and self.run.goal != "style" and bool(self.facts.pictures) and not has_words

    @property
    def memory(self) -> str:
        """How much memory there is, as asked for or as it is."""
        return self.facts.memory if self.run.memory == "auto" else self.run.memory

    @property
    def size_words(self) -> str:
        """The kind of network, for reasons."""
        return (
            f"a small {self.facts.family.value} network" if self.facts.is_small else self.facts.family.value
        )

    def data(self) -> dict[str, ChosenValue]:
        """What pictures are made of."""
        native = self.facts.native
        is_prior = self.run.method == "dreambooth"
        has_prior = bool(self.run.regularisation or self.run.class_prompt)
        flips = self.run.goal == "style"
        return {
            "resolution": ChosenValue(native, f"The checkpoint makes pictures of {native} pixels."),
            "height": ChosenValue(0, "Square, where pictures do not keep their shapes."),
            "bucketing": ChosenValue(True, "Pictures keep their shapes."),
            "bucket_step": ChosenValue(
                BUCKET_STEP if native >= USUAL_NATIVE else BUCKET_STEP // 2, "Few different sizes."
            ),
            "enlarge": ChosenValue(True, "Small pictures are used too."),
            "crop": ChosenValue("center", "What is to be learned stands in the middle as a rule."),
            "flip": ChosenValue(
                flips, "A style has no left and right." if flips else "Things may have sides."
            ),
            "repeats": ChosenValue(1, "Steps count, not epochs."),
            "masks": ChosenValue(True, "Where there are masks, only what they show is learned."),
            "regularisation": ChosenValue("", "No folder with pictures of the class was named."),
            "class_prompt": ChosenValue("", "No class was named."),
            "class_pictures": ChosenValue(
                max(20, min(10 * self.facts.pictures, 200)) if is_prior and has_prior else 0,
                "Ten for each picture, so that the class keeps its variety."
                if is_prior and has_prior
                else "No class was named.",
            ),
            "prior_weight": ChosenValue(1.0, "What the network knew weighs as much as what it learns."),
        }

    def network(self) -> dict[str, ChosenValue]:
        """What is trained."""
        rank = self.run.rank or self._rank()
        reads_text = self.run.method in ADAPTERS or self.run.method in {"dreambooth", "finetune"}
        changes_layers = self.run.method in ADAPTERS or self.as_lora
        convolves = self.run.method in CONVOLVING or (self.facts.is_small and changes_layers)
        alpha = float(rank) if self.facts.is_small or self.run.method in {"lokr", "loha"} else rank / 2
        conv = max(1, rank // 2) if convolves else 0
        layers = (1.0, CHANNEL_RATIO, 1.0)
        return {
            "rank": ChosenValue(rank, f"Enough for {self._goal_words()} on {self.size_words}."),
            "alpha": ChosenValue(max(alpha, 1.0), "Goes with the rank and the rate."),
            "conv_rank": ChosenValue(
                conv, "Convolutions are trained too." if conv else "Attention is enough."
            ),
            "conv_alpha": ChosenValue(float(max(conv, 1)), "As its rank."),
            "factor": ChosenValue(8 if not self.facts.is_small else 4, "Small files that still learn."),
            "dropout": ChosenValue(0.0, "There are few steps."),
            "train_unet": ChosenValue(True, "It draws what is learned."),
            "train_text": ChosenValue(
                reads_text and not (self.trains_whole and self.memory == "low"),
                "A new word is learned where words are read."
                if reads_text
                else "The method leaves the text encoder as it is.",
            ),
            "as_lora": ChosenValue(
                self.as_lora, "The memory is small." if self.as_lora else "The method's own way."
            ),
            "vectors": ChosenValue(
                SMALL_VECTORS if self.facts.is_small else VECTORS, "One token holds too little of a look."
            ),
            "init_text": ChosenValue("*", "No words to begin from were given."),
            "layers": ChosenValue(layers, "A1111's usual structure."),
            "activation": ChosenValue(
                "swish" if self.facts.is_small else "linear",
                "It tells the new word from others." if self.facts.is_small else "A1111's default.",
            ),
            "layer_norm": ChosenValue(False, "A1111's default."),
            "block_rates": ChosenValue("", "All blocks learn alike."),
            "start_from": ChosenValue("", "It starts anew."),
        }

    def learning(self) -> dict[str, ChosenValue]:
        """Steps, rates, the optimizer."""
        batch = self.run.batch_size or self._batch()
        steps, why_steps = self._steps(batch)
        rate, text_rate = self._rates()
        optimizer = self.run.optimizer or self._optimizer()
        is_prodigy = optimizer == "prodigy"
        words = f"Usual for {self.run.method} on {self.size_words}."
        return {
            "steps": ChosenValue(steps, why_steps),
            "batch_size": ChosenValue(batch, "As many as the memory holds well."),
            "accumulation": ChosenValue(
                max(1, self.pace.batch // batch), "Together as many pictures a step as the method wants."
            ),
            "rate": ChosenValue(rate, "Prodigy finds the rate itself." if is_prodigy else words),
            "rates": ChosenValue("", "The schedule goes over the whole run."),
            "text_rate": ChosenValue(text_rate, "Prodigy finds the rate itself." if is_prodigy else words),
            "optimizer": ChosenValue(
                optimizer, "Its state is small." if optimizer == "adafactor" else "It is the proven one."
            ),
            "weight_decay": ChosenValue(0.01, "AdamW's usual."),
            "schedule": ChosenValue(
                "constant" if is_prodigy else "cosine", "The last steps settle what was learned."
            ),
            "warmup": ChosenValue(0.05, "Optimizers begin with rough estimates."),
            "restarts": ChosenValue(1, "One fall of the rate."),
            "power": ChosenValue(1.0, "A straight line."),
            "max_gradient": ChosenValue(1.0, "One odd batch must not spoil what was learned."),
            "ema": ChosenValue(0.0, "Short runs do without."),
            "latents": ChosenValue("once", "Pictures are encoded once."),
            "seed": ChosenValue(DEFAULT_SEED, "The same run twice gives the same file."),
        }

    def noise(self) -> dict[str, ChosenValue]:
        """The loss and its noise."""
        facts = self.facts
        own = "The checkpoint's own."
        preserves = facts.is_small and self.run.method in PRESERVING
        preserved = PRESERVED_MORE if self.run.method in PRESERVING_MORE else PRESERVED
        return {
            "min_snr_gamma": ChosenValue(MIN_SNR_GAMMA, "It learns faster, and alike from all timesteps."),
            "debiased": ChosenValue(False, "Min-SNR weighs already."),
            "noise_offset": ChosenValue(0.0, "The checkpoint was trained without, as far as is known."),
            "pyramid_noise": ChosenValue(0, "The checkpoint was trained without."),
            "pyramid_discount": ChosenValue(0.3, "Its usual value."),
            "prediction": ChosenValue(facts.prediction, own),
            "zero_snr": ChosenValue(facts.is_zero_snr, own),
            "preserve": ChosenValue(
                preserved if preserves else 0.0,
                "What the checkpoint knew shall stay; a small network forgets it easily."
                if preserves
                else "It takes half as long again, and large networks forget little.",
            ),
            "min_timestep": ChosenValue(0, "All of them are used when pictures are made."),
            "max_timestep": ChosenValue(999, "All of them are used when pictures are made."),
        }

    def captions(self) -> dict[str, ChosenValue]:
        """How captions are read."""
        return {
            "caption_suffix": ChosenValue("", "Both .txt and .caption are read."),
            "trigger": ChosenValue(
                self.run.name if self.lacks_words else "",
                "No picture has a caption, so the run's name calls what is learned."
                if self.lacks_words
                else "The captions say what they say.",
            ),
            "templates": ChosenValue((), "Captions are shown as they are."),
            "caption_dropout": ChosenValue(
                0.05 if self.run.method == "finetune" else 0.0,
                "What is learned shall come with its words only."
                if self.run.method != "finetune"
                else "CFG needs what the network draws without words.",
            ),
            "tag_dropout": ChosenValue(0.0, "Every word counts in few captions."),
            "shuffle": ChosenValue(False, "Captions may be sentences."),
            "keep_tokens": ChosenValue(1, "The first is the trigger as a rule."),
            "clip_skip": ChosenValue(1, "The checkpoint's own layer."),
        }

    def saving(self) -> dict[str, ChosenValue]:
        """Samples and files on the way."""
        batch = self.run.batch_size or self._batch()
        steps = self.run.steps or self._steps(batch)[0]
        every = max(1, round(steps / 5))
        is_large = self.trains_whole and not self.facts.is_small
        return {
            "samples": ChosenValue(self._sample_prompts(), "Captions of the data set."),
            "sample_every": ChosenValue(every, "Five looks at what is learned."),
            "sample_seed": ChosenValue(DEFAULT_SEED, "The same each time, so that samples compare."),
            "sample_embedding": ChosenValue(False, "The file of the embedding is enough."),
            "save_every": ChosenValue(0 if is_large else every, "A file to choose for each look."),
            "state_every": ChosenValue(500 if is_large else 50, "What a lost run loses at most."),
            "save_format": ChosenValue("fp16", "Half the size, and no difference to be seen."),
        }

    def speed(self) -> dict[str, ChosenValue]:
        """Numbers and memory."""
        half = self.facts.half
        is_low = self.memory == "low" or (self.trains_whole and self.memory == "medium")
        checkpointing = is_low and not self.facts.is_small
        return {
            "precision": ChosenValue(
                half or "fp32", "What the device is fast in." if half else "It is exact."
            ),
            "checkpointing": ChosenValue(
                checkpointing, "The memory is small for this." if checkpointing else "The memory is enough."
            ),
            "cache_latents": ChosenValue(True, "Pictures are encoded once."),
            "cache_text": ChosenValue(True, "Captions are encoded once where their encoder stays as it is."),
        }

    def _goal_words(self) -> str:
        return {"character": "a character", "style": "a style", "object": "an object"}.get(
            self.run.goal, "a concept"
        )

    def _rank(self) -> int:
        rank = RANKS[self.run.goal]
        return rank // 2 if self.memory == "low" and not self.facts.is_small else rank

    def _batch(self) -> int:
        wanted = self.pace.batch
        if self.facts.is_small or self.memory == "medium":
            return wanted
        return 1 if self.memory == "low" else 2 * wanted

    def _optimizer(self) -> str:
        is_tight = self.trains_whole and self.memory != "high" and not self.facts.is_small
        return "adafactor" if is_tight else "adamw"

    def _rates(self) -> tuple[float, float]:
        optimizer = self.run.optimizer or self._optimizer()
        if optimizer == "prodigy":
            return 1.0, 1.0
        factor = OPTIMIZER_RATES.get(optimizer, 1.0)
        if self.trains_whole and self.facts.family is Family.SDXL:
            factor *= SDXL_WHOLE_RATES
        rate = self.pace.rate * factor
        # Who gives a rate of their own gets the text encoders' in proportion.
        share = self.pace.text_rate / self.pace.rate
        return rate, (self.run.rate or rate) * share

    def _steps(self, batch: int) -> tuple[int, str]:
        pace, pictures = self.pace, self.facts.pictures
        shown = batch * (self.run.accumulation or max(1, pace.batch // batch))
        wanted = pictures * pace.steps_per_picture * pace.batch // max(1, shown)
        steps = max(pace.least, min(wanted, pace.most))
        words = f"{pictures} pictures, some {pace.steps_per_picture} steps each"
        return steps, f"{words}; at least {pace.least}, at most {pace.most}."

    def _sample_prompts(self) -> tuple[str, ...]:
        captions = list(dict.fromkeys(text for text in self.facts.captions if text.strip()))
        return tuple(captions[:SAMPLES]) or (self.run.name,)
