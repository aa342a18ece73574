"""What is asked for when something is trained. A run without numbers is complete: presets give the rest."""

from typing import Any, Literal

from pydantic import Field

from webui.core.request_parts import Frozen

Method = Literal[
    "lora", "locon", "loha", "lokr", "dora", "textual_inversion", "hypernetwork", "dreambooth", "finetune",
    "controlnet",
]  # fmt: skip
Goal = Literal["character", "style", "object", "concept"]
Memory = Literal["auto", "low", "medium", "high"]
Optimizer = Literal["adamw", "adamw8bit", "prodigy", "adafactor", "lion"]
RateSchedule = Literal["constant", "linear", "cosine", "cosine_with_restarts", "polynomial"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
DATA, NETWORK, LEARNING, NOISE, CAPTIONS, SAMPLES, MEMORY = (
    "Data", "Network", "Learning", "Noise and loss", "Captions", "Samples and saving", "Speed and memory",
)  # fmt: skip


def field(section: str, text: str, default: object = None, **limits: Any) -> Any:  # noqa: ANN401 - as pydantic's
    """A field that the page shows in a section; by default the preset's value."""
    return Field(default, description=text, json_schema_extra={"section": section}, **limits)


class TrainingRun(Frozen):
    """A training run as asked for. None: what the preset of `goal`, `method`, family and memory says.

    `data` is a folder, a `.zip` or kohya's `.toml`; a name alone is a data set of the data-set desk.
    `name` is that of the file that comes of it, and of the word of a textual inversion.
    """

    method: Method
    checkpoint: str = Field(min_length=1)
    name: str = Field(min_length=1, max_length=120)
    data: str = Field(min_length=1)
    goal: Goal = "concept"
    memory: Memory = "auto"

    resolution: int | None = field(DATA, "Pixels along the side of a square picture", ge=64, le=4096)
    height: int | None = field(
        DATA,
        "Height of all pictures where it is not that, with bucketing off; 0: they are square",
        ge=0,
        le=4096,
    )
    bucketing: bool | None = field(DATA, "Sort pictures into buckets of their own aspect ratios")
    bucket_step: int | None = field(DATA, "Sides of buckets are multiples of this, in pixels", ge=8, le=256)
    enlarge: bool | None = field(DATA, "Enlarge pictures that are smaller than their bucket")
    crop: Literal["center", "random", "focal"] | None = field(DATA, "Where pictures are cut to their bucket")
    flip: bool | None = field(DATA, "Show each picture mirrored as well")
    repeats: int | None = field(DATA, "How often an epoch shows each picture", ge=1, le=10_000)
    masks: bool | None = field(DATA, "Learn only where the mask (alpha, or a mask file) is white")
    regularisation: str | None = field(DATA, "Folder with pictures of the class, for prior preservation")
    class_prompt: str | None = field(
        DATA, "Prompt that draws pictures of the class with the checkpoint itself, where there is no folder"
    )
    class_pictures: int | None = field(DATA, "How many of them", ge=0, le=10_000)
    prior_weight: float | None = field(DATA, "Weight of pictures of the class in the loss", ge=0, le=10)

    rank: int | None = field(NETWORK, "Rank (dim) of the network", ge=1, le=1024)
    alpha: float | None = field(NETWORK, "Alpha; the change is scaled by alpha over rank", gt=0, le=4096)
    conv_rank: int | None = field(NETWORK, "Rank of convolutions; 0 leaves them out", ge=0, le=1024)
    conv_alpha: float | None = field(NETWORK, "Alpha of convolutions", gt=0, le=4096)
    factor: int | None = field(NETWORK, "LoKr's factor; -1 takes the squarest", ge=-1, le=1024)
    dropout: float | None = field(NETWORK, "Share of the network's hidden values left out", ge=0, lt=1)
    train_unet: bool | None = field(NETWORK, "Train the U-Net, or its layers' changes")
    train_text: bool | None = field(NETWORK, "Train the text encoders, or their layers' changes")
    as_lora: bool | None = field(NETWORK, "DreamBooth: train a LoRA in place of the whole network")
    vectors: int | None = field(NETWORK, "Textual inversion: tokens that the word takes", ge=1, le=75)
    init_text: str | None = field(NETWORK, "Textual inversion: words to begin from")
    layers: tuple[float, ...] | None = field(NETWORK, "Hypernetwork: widths of its layers, 1 to 1")
    activation: str | None = field(NETWORK, "Hypernetwork: activation between its layers")
    layer_norm: bool | None = field(NETWORK, "Hypernetwork: normalise after each layer")
    block_rates: str | None = field(
        NETWORK,
        "Factors of the rate by block, as IN00=0,M00=1,OUT05=0.5; a name's beginning names all of them",
    )
    start_from: str | None = field(NETWORK, "A file of the same method to go on from")
    trainable: str = field(NETWORK, "Method of an extension that trains in place of this one", "")

    steps: int | None = field(LEARNING, "Steps of the optimizer", ge=1, le=1_000_000)
    epochs: int | None = field(LEARNING, "Epochs, in place of steps", ge=1, le=100_000)
    batch_size: int | None = field(LEARNING, "Pictures in a batch", ge=1, le=256)
    accumulation: int | None = field(LEARNING, "Batches to a step", ge=1, le=1024)
    rate: float | None = field(LEARNING, "Learning rate", gt=0, le=10)
    rates: str | None = field(
        LEARNING,
        "Rates with the steps up to which they hold, in place of rate and schedule: 0.005:100, 1e-3:1000",
    )
    text_rate: float | None = field(LEARNING, "Learning rate of text encoders", ge=0, le=10)
    optimizer: Optimizer | None = field(LEARNING, "Optimizer")
    weight_decay: float | None = field(LEARNING, "Weight decay", ge=0, le=1)
    schedule: RateSchedule | None = field(LEARNING, "How the rate goes on")
    warmup: float | None = field(LEARNING, "Share of the steps in which the rate rises", ge=0, le=1)
    restarts: int | None = field(LEARNING, "Cycles of the schedule with restarts", ge=1, le=100)
    power: float | None = field(LEARNING, "Power of the polynomial schedule", gt=0, le=10)
    max_gradient: float | None = field(LEARNING, "Longest gradient; 0 takes any", ge=0, le=1000)
    ema: float | None = field(LEARNING, "Decay of the weights' running average; 0 keeps none", ge=0, lt=1)
    latents: Literal["once", "deterministic", "random"] | None = field(
        LEARNING, "What of the VAE's posterior is learned: one draw, its mean, or a new draw each time"
    )
    seed: int | None = field(LEARNING, "Seed; -1 takes any", ge=-1, le=2**32 - 1)

    min_snr_gamma: float | None = field(NOISE, "Min-SNR gamma; 0 leaves it out", ge=0, le=100)
    debiased: bool | None = field(NOISE, "Debiased estimation of the loss")
    noise_offset: float | None = field(NOISE, "Noise offset", ge=0, le=1)
    pyramid_noise: int | None = field(NOISE, "Levels of pyramid noise; 0 leaves it out", ge=0, le=12)
    pyramid_discount: float | None = field(NOISE, "Each level's share of the one before", ge=0, le=1)
    prediction: Literal["eps", "v"] | None = field(NOISE, "What the network predicts; by default its own")
    zero_snr: bool | None = field(NOISE, "Zero terminal SNR; by default the checkpoint's own")
    preserve: float | None = field(
        NOISE, "Weight of answering as before to prompts without the new word; 0 leaves it out", ge=0, le=10
    )
    min_timestep: int | None = field(NOISE, "Lowest timestep", ge=0, le=999)
    max_timestep: int | None = field(NOISE, "Highest timestep", ge=0, le=999)

    caption_suffix: str | None = field(
        CAPTIONS, "Type of caption files, with its dot; empty: .txt or .caption"
    )
    trigger: str | None = field(CAPTIONS, "Word put before captions that lack it")
    templates: tuple[str, ...] | None = field(
        CAPTIONS,
        "Sentences of which chance takes one each time: [name] is the run's name, [filewords] the caption",
    )
    caption_dropout: float | None = field(CAPTIONS, "Share of pictures shown without caption", ge=0, le=1)
    tag_dropout: float | None = field(CAPTIONS, "Share of tags left out", ge=0, le=1)
    shuffle: bool | None = field(CAPTIONS, "Shuffle the tags between commas")
    keep_tokens: int | None = field(CAPTIONS, "Tags at the front that stay where they are", ge=0, le=100)
    clip_skip: int | None = field(CAPTIONS, "CLIP skip", ge=1, le=12)

    samples: tuple[str, ...] | None = field(
        SAMPLES,
        "Prompts of the sample pictures, by default captions; kohya's --n --w --h --s --l --d may follow",
    )
    sample_every: int | None = field(SAMPLES, "Steps between samples; 0 makes none", ge=0, le=1_000_000)
    sample_seed: int | None = field(SAMPLES, "Seed of the samples", ge=0, le=2**32 - 1)
    sample_embedding: bool | None = field(
        SAMPLES, "Textual inversion: keep each first sample as a PNG that carries the embedding"
    )
    save_every: int | None = field(
        SAMPLES, "Steps between saved files; 0 keeps the last only", ge=0, le=1_000_000
    )
    state_every: int | None = field(SAMPLES, "Steps between states to resume from", ge=1, le=1_000_000)
    save_format: Literal["fp32", "fp16", "bf16"] | None = field(SAMPLES, "Numbers of the file")

    precision: Precision | None = field(MEMORY, "Numbers to compute in; auto: what the device is good at")
    checkpointing: bool | None = field(MEMORY, "Gradient checkpointing: less memory, a third slower")
    cache_latents: bool | None = field(MEMORY, "Keep the pictures' latents on disk")
    cache_text: bool | None = field(
        MEMORY, "Keep the captions' encodings, where the text encoders stay as they are"
    )
