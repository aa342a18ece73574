"""What a trained file says of itself, as kohya (`ss_…`) and the modelspec have it. Loads no torch."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Literal, Protocol

from webui.core.model_file import Family
from webui.core.work.training_run import TrainingRun

# Digits of a checkpoint's hash that A1111 shows.
SHORT_HASH = 10
MODELSPEC = "1.0.1"
LYCORIS_ALGORITHMS: Mapping[str, str] = {"loha": "loha", "lokr": "lokr", "dora": "locon"}
LAYER_METHODS = frozenset({"lora", "locon", *LYCORIS_ALGORITHMS})
STABILITY, DIFFUSERS = "https://github.com/Stability-AI/generative-models", "diffusers"
# What the modelspec calls what is not a whole checkpoint, after the architecture.
ADAPTERS: Mapping[str, str] = {
    "textual_inversion": "textual-inversion", "hypernetwork": "hypernetwork", "controlnet": "controlnet",
}  # fmt: skip
# Tokens of a caption that are read; kohya notes the most, and ours reads as many as there are.
MOST_TOKENS = 225


class CaptionedPicture(Protocol):
    """A picture of a data set. `name` is its path below the data set."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def caption(self) -> str: ...  # noqa: D102
    @property
    def repeats(self) -> int: ...  # noqa: D102
    @property
    def is_regularisation(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What a run knows beside its request: checkpoint, data, and how far it is.

    `checkpoint` is the file's name, `checkpoint_hash` its SHA-256, `old_hash` A1111's first short hash; empty
    where nobody knows them. `buckets` counts pictures by width and height. Times are seconds since the epoch.
    """

    family: Family
    prediction: Literal["eps", "v"]
    checkpoint: str
    checkpoint_hash: str = ""
    old_hash: str = ""
    pictures: tuple[CaptionedPicture, ...] = ()
    folder: str = "data"
    buckets: Mapping[tuple[int, int], int] = field(default_factory=dict)
    step: int = 0
    epoch: int = 0
    batches_per_epoch: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What A1111's own files note: steps, and the checkpoint's short hash and name, None where unknown."""

    step: int
    short_hash: str | None
    checkpoint: str | None

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> "TrainedOn":
        """From kohya's fields."""
        steps, digest = metadata.get("ss_steps", ""), metadata.get("ss_new_sd_model_hash", "")
        name = metadata.get("ss_sd_model_name", "")
        return cls(
            int(steps) if steps.isdigit() else 0,
            digest[:SHORT_HASH] or None,
            PurePath(name).stem or None,
        )


def training_metadata(run: TrainingRun, facts: TrainingFacts) -> dict[str, str]:
    """Everything that is told of a file, by name. `run` is filled."""
    found = {**_base(facts), **_data(run, facts), **_recipe(run), **_progress(run, facts)}
    if run.method in LAYER_METHODS or (run.method == "dreambooth" and run.as_lora):
        found |= _network(run)
    known = {f"ss_{name}": told(value) for name, value in found.items() if value is not None}
    return known | _modelspec(run, facts)


def told(value: object) -> str:
    """A value as kohya writes it: tables as JSON, all else as Python shows it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def trigger_phrase(run: TrainingRun, pictures: Iterable[CaptionedPicture]) -> str:
    """The words that call what was learned: the run's, else what all captions have at their front."""
    if run.method == "textual_inversion":
        return run.name
    if run.trigger:
        return run.trigger
    firsts = {each.caption.split(",")[0].strip() for each in pictures if not each.is_regularisation}
    return firsts.pop() if len(firsts) == 1 else ""


def _base(facts: TrainingFacts) -> dict[str, object]:
    is_v = facts.prediction == "v"
    is_sdxl = facts.family in {Family.SDXL, Family.SDXL_REFINER}
    plain = "sd_v2" if facts.family == Family.SD2 else "sd_v1"
    return {
        "base_model_version": "sdxl_base_v1-0" if is_sdxl else plain + ("_v" if is_v else ""),
        "v2": facts.family == Family.SD2,
        "sd_model_name": PurePath(facts.checkpoint).name,
        "sd_model_hash": facts.old_hash or None,
        "new_sd_model_hash": facts.checkpoint_hash or None,
    }


def _data(run: TrainingRun, facts: TrainingFacts) -> dict[str, object]:
    side = run.resolution
    shown = [each for each in facts.pictures if not each.is_regularisation]
    others = [each for each in facts.pictures if each.is_regularisation]
    buckets = {
        str(number): {"resolution": list(size), "count": count}
        for number, (size, count) in enumerate(sorted(facts.buckets.items()))
    }
    return {
        "resolution": f"({side}, {run.height or side})",
        "enable_bucket": bool(run.bucketing),
        "bucket_no_upscale": not run.enlarge,
        "bucket_info": {"buckets": buckets} if buckets else None,
        "dataset_dirs": _folders(shown, facts.folder),
        "reg_dataset_dirs": _folders(others, facts.folder),
        "tag_frequency": _tags(shown, facts.folder),
        "num_train_images": sum(each.repeats for each in shown),
        "num_reg_images": sum(each.repeats for each in others),
        "flip_aug": bool(run.flip),
        "random_crop": run.crop == "random",
        "shuffle_caption": bool(run.shuffle),
        "keep_tokens": run.keep_tokens,
        "caption_dropout_rate": run.caption_dropout,
        "caption_tag_dropout_rate": run.tag_dropout,
        "prior_loss_weight": run.prior_weight,
    }


def _folders(pictures: Iterable[CaptionedPicture], root: str) -> dict[str, dict[str, int]]:
    """How many pictures each folder has and how often they are shown, by the folder's name alone."""
    found: dict[str, dict[str, int]] = {}
    for each in pictures:
        entry = found.setdefault(_folder_of(each, root), {"n_repeats": each.repeats, "img_count": 0})
        entry["img_count"] += 1
    return found


def _tags(pictures: Iterable[CaptionedPicture], root: str) -> dict[str, dict[str, int]]:
    """How often each folder's captions have each tag."""
    found: dict[str, Counter[str]] = {}
    for each in pictures:
        tags = [tag.strip() for tag in each.caption.split(",")]
        found.setdefault(_folder_of(each, root), Counter()).update(tag for tag in tags if tag)
    return {folder: dict(counts) for folder, counts in found.items()}


def _folder_of(picture: CaptionedPicture, root: str) -> str:
    return PurePath(picture.name).parent.name or root


def _recipe(run: TrainingRun) -> dict[str, object]:
    return {
        "learning_rate": run.rate,
        "unet_lr": run.rate if run.train_unet else None,
        "text_encoder_lr": run.text_rate if run.train_text else None,
        "lr_scheduler": run.schedule,
        "lr_warmup_steps": round((run.warmup or 0.0) * (run.steps or 0)),
        "optimizer": run.optimizer,
        "max_grad_norm": run.max_gradient,
        "batch_size_per_device": run.batch_size,
        "total_batch_size": (run.batch_size or 1) * (run.accumulation or 1),
        "gradient_accumulation_steps": run.accumulation,
        "gradient_checkpointing": bool(run.checkpointing),
        "mixed_precision": "no" if run.precision in {None, "fp32"} else run.precision,
        "cache_latents": bool(run.cache_latents),
        "clip_skip": run.clip_skip,
        "max_token_length": MOST_TOKENS,
        "noise_offset": run.noise_offset or None,
        "multires_noise_iterations": run.pyramid_noise or None,
        "multires_noise_discount": run.pyramid_discount if run.pyramid_noise else None,
        "min_snr_gamma": run.min_snr_gamma or None,
        "debiased_estimation": bool(run.debiased),
        "zero_terminal_snr": bool(run.zero_snr),
        "seed": run.seed,
    }


def _progress(run: TrainingRun, facts: TrainingFacts) -> dict[str, object]:
    epochs = -(-(run.steps or 0) // facts.batches_per_epoch) if facts.batches_per_epoch else None
    return {
        "output_name": run.name,
        "num_batches_per_epoch": facts.batches_per_epoch,
        "num_epochs": epochs,
        "max_train_steps": run.steps,
        "steps": facts.step,
        "epoch": facts.epoch,
        "training_started_at": facts.started_at or None,
        "training_finished_at": facts.finished_at or None,
    }


def _network(run: TrainingRun) -> dict[str, object]:
    arguments: dict[str, str] = {}
    if run.conv_rank:
        arguments |= {"conv_dim": str(run.conv_rank), "conv_alpha": str(run.conv_alpha or run.conv_rank)}
    if run.method in LYCORIS_ALGORITHMS:
        arguments |= {"algo": LYCORIS_ALGORITHMS[run.method]}
        arguments |= {"factor": str(run.factor)} if run.method == "lokr" else {}
        # One length for each input channel.
        arguments |= {"dora_wd": "True", "wd_on_output": "False"} if run.method == "dora" else {}
    return {
        "network_module": "lycoris.kohya" if run.method in LYCORIS_ALGORITHMS else "networks.lora",
        "network_dim": run.rank,
        "network_alpha": run.alpha or run.rank,
        "network_dropout": run.dropout or None,
        "network_args": arguments or None,
    }


def _modelspec(run: TrainingRun, facts: TrainingFacts) -> dict[str, str]:
    is_layers = run.method in LAYER_METHODS or (run.method == "dreambooth" and bool(run.as_lora))
    adapter = "lora" if is_layers else ADAPTERS.get(run.method, "")
    is_sdxl = facts.family in {Family.SDXL, Family.SDXL_REFINER}
    moment = facts.finished_at or facts.started_at
    side = run.resolution
    found = {
        "sai_model_spec": MODELSPEC,
        "architecture": architecture(facts) + (f"/{adapter}" if adapter else ""),
        "implementation": DIFFUSERS if is_layers and not is_sdxl else STABILITY,
        "title": run.name,
        "resolution": f"{side}x{run.height or side}" if side else "",
        "prediction_type": "v" if facts.prediction == "v" else "epsilon",
        "date": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S") if moment else "",
        "encoder_layer": "" if is_sdxl else str(run.clip_skip or 1),
        "trigger_phrase": trigger_phrase(run, facts.pictures),
    }
    return {f"modelspec.{name}": value for name, value in found.items() if value}


def architecture(facts: TrainingFacts) -> str:
    """What the modelspec calls a family."""
    if facts.family == Family.SDXL_REFINER:
        return "stable-diffusion-xl-v1-refiner"
    if facts.family == Family.SDXL:
        return "stable-diffusion-xl-v1-base"
    if facts.family == Family.SD2:
        return "stable-diffusion-v2-768-v" if facts.prediction == "v" else "stable-diffusion-v2-512"
    return "stable-diffusion-v1"
