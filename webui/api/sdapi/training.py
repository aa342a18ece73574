"""A1111's routes that make and train embeddings and hypernetworks. They answer when it is done."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict

from webui.api.sdapi.answers import CreateResponse, TrainResponse
from webui.api.sdapi.waiting import finish
from webui.core.errors import InvalidRequest
from webui.core.events import TrainingSaved
from webui.core.model_file import ModelKind
from webui.core.work.training_create import TrainingCreateRequest
from webui.core.work.training_run import TrainingRun
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.jobs.training_runs import TAB, TrainingRuns
from webui.store.files.regular_files import read_regular, regular_files

# As A1111 begins an embedding.
STAR = "*"
# Sides of pictures that are all of one size are multiples of this: the U-Net halves latents three times.
SIZE_STEP = 64
HYPERNETWORK_DROPOUT = 0.3
TEMPLATES = "textual_inversion_templates"
MOST_TEMPLATE_BYTES = 1 << 20
# By the names that A1111's have.
OWN_TEMPLATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "none": ("picture",),
        "style": ("a picture in the style of [name]", "a drawing by [name]", "[name], an illustration"),
        "style_filewords": ("[filewords], in the style of [name]", "[filewords] by [name]"),
        "subject": ("a picture of [name]", "[name] in a picture", "one [name]"),
        "subject_filewords": ("a picture of [name], [filewords]", "[name], [filewords]"),
        "hypernetwork": ("a picture of [filewords]", "[filewords]"),
    }
)
MOST_STEPS = 1_000_000


def read_list(value: Any) -> Any:  # noqa: ANN401 - what clients send
    """A1111's page sends lists as text: `1, 2, 1` or `[1, 2, 1]`."""
    if isinstance(value, str):
        return json.loads(f"[{value.strip().strip('[]')}]") if value.strip() else None
    return value


class Lenient(BaseModel):
    """Fields that change nothing here are taken all the same."""

    model_config = ConfigDict(extra="ignore")


class CreateEmbeddingBody(Lenient):
    """A1111's arguments."""

    name: str
    num_vectors_per_token: int = 1
    overwrite_old: bool = False
    init_text: str = STAR


class CreateHypernetworkBody(Lenient):
    """A1111's arguments. `enable_sizes` are taken as the checkpoint's own."""

    name: str
    overwrite_old: bool = False
    layer_structure: Annotated[tuple[float, ...] | None, BeforeValidator(read_list)] = None
    activation_func: str | None = None
    add_layer_norm: bool = False
    use_dropout: bool = False
    dropout_structure: Annotated[tuple[float, ...] | None, BeforeValidator(read_list)] = None


class TrainBody(Lenient):
    """A1111's arguments of both trainings."""

    learn_rate: str | float = "0.005"
    batch_size: int = 1
    gradient_step: int = 1
    data_root: str
    training_width: int = 512
    training_height: int = 512
    varsize: bool = False
    steps: int = 1000
    clip_grad_mode: str = "disabled"
    clip_grad_value: str | float = "0.1"
    shuffle_tags: bool = False
    tag_drop_out: float = 0.0
    latent_sampling_method: Literal["once", "deterministic", "random"] = "once"
    use_weight: bool = False
    create_image_every: int = 0
    template_filename: str = ""
    preview_from_txt2img: bool = False
    preview_prompt: str = ""
    preview_negative_prompt: str = ""
    preview_steps: int | None = None
    preview_cfg_scale: float | None = None
    preview_seed: int | None = None
    preview_width: int | None = None
    preview_height: int | None = None


class TrainEmbeddingBody(TrainBody):
    """A1111's arguments. Its own API says `embedding_name`, its page `train_embedding_name`."""

    embedding_name: str = ""
    train_embedding_name: str = ""
    save_embedding_every: int = 0
    save_image_with_stored_embedding: bool = False


class TrainHypernetworkBody(TrainBody):
    """A1111's arguments."""

    hypernetwork_name: str = ""
    train_hypernetwork_name: str = ""
    save_hypernetwork_every: int = 0


def add_training_routes(router: APIRouter, services: Services) -> None:
    """Making and training."""
    runs = TrainingRuns(services)

    async def create(what: str, overwrite: bool, **values: object) -> CreateResponse:
        run = TrainingRun.model_validate(values | {"checkpoint": checkpoint(services), "data": "none"})
        request = TrainingCreateRequest(run=run, replaces=overwrite)
        path = await wait_for_file(services.submit(request, Delivery(tab=TAB)))
        return CreateResponse(info=f"create {what} filename: {path}")

    @router.post("/create/embedding")
    async def create_embedding(args: CreateEmbeddingBody) -> CreateResponse:
        return await create(
            "embedding",
            args.overwrite_old,
            method="textual_inversion",
            name=args.name,
            vectors=args.num_vectors_per_token,
            init_text=args.init_text or STAR,
        )

    @router.post("/create/hypernetwork")
    async def create_hypernetwork(args: CreateHypernetworkBody) -> CreateResponse:
        return await create(
            "hypernetwork",
            args.overwrite_old,
            method="hypernetwork",
            name=args.name,
            layers=args.layer_structure,
            activation=args.activation_func,
            layer_norm=args.add_layer_norm,
            dropout=read_dropout(args),
        )

    @router.post("/train/embedding")
    async def train_embedding(args: TrainEmbeddingBody) -> TrainResponse:
        name = args.embedding_name or args.train_embedding_name
        services.catalog.find(ModelKind.EMBEDDING, name)
        run = make_run(services, "textual_inversion", name, args, args.save_embedding_every)
        run = run.model_copy(update={"sample_embedding": args.save_image_with_stored_embedding})
        path = await wait_for_file(runs.start(run))
        return TrainResponse(info=f"train embedding complete: filename: {path} error: None")

    @router.post("/train/hypernetwork")
    async def train_hypernetwork(args: TrainHypernetworkBody) -> TrainResponse:
        name = args.hypernetwork_name or args.train_hypernetwork_name
        services.catalog.find(ModelKind.HYPERNETWORK, name)
        run = make_run(services, "hypernetwork", name, args, args.save_hypernetwork_every)
        path = await wait_for_file(runs.start(run))
        return TrainResponse(info=f"train hypernetwork complete: filename: {path} error: None")


def checkpoint(services: Services) -> str:
    """The one that is selected, as in A1111."""
    return services.catalog.find_checkpoint(services.settings.current.models.sd_model_checkpoint).name


async def wait_for_file(job: Job) -> str:
    """The file that a job made. Raises its refusal."""
    done = (await finish(job)).job
    saved = [event.path for event in done.log() if isinstance(event, TrainingSaved)]
    return saved[-1] if saved else ""


def make_run(services: Services, method: str, name: str, args: TrainBody, save_every: int) -> TrainingRun:
    """The run that A1111's arguments ask for; it goes on from the file of its own name."""
    # A data set that may not be read is refused before the run.
    services.datasets.resolve(args.data_root)
    rates = str(args.learn_rate)
    return TrainingRun.model_validate(
        {
            "method": method,
            "checkpoint": checkpoint(services),
            "name": name,
            "data": args.data_root,
            "start_from": name,
            "rate": first_rate(rates),
            "rates": rates if ":" in rates or "," in rates else "",
            "schedule": "constant",
            "warmup": 0.0,
            "min_snr_gamma": 0.0,
            "batch_size": args.batch_size,
            "accumulation": args.gradient_step,
            # Pictures of all shapes have the area, else each is cut to the size.
            "resolution": round((args.training_width * args.training_height) ** 0.5)
            if args.varsize
            else args.training_width,
            "height": 0 if args.varsize else args.training_height,
            "bucketing": args.varsize,
            "bucket_step": SIZE_STEP,
            "latents": args.latent_sampling_method,
            "templates": read_template(services.paths.data, args.template_filename),
            "steps": min(max(args.steps, 1), MOST_STEPS),
            "max_gradient": read_clip(args.clip_grad_mode, args.clip_grad_value),
            "shuffle": args.shuffle_tags,
            "tag_dropout": min(max(args.tag_drop_out, 0.0), 1.0),
            "masks": args.use_weight,
            "sample_every": max(args.create_image_every, 0),
            "samples": preview_of(args),
            "save_every": max(save_every, 0),
        }
    )


def preview_of(args: TrainBody) -> tuple[str, ...] | None:
    """The prompt of the samples with the options that txt2img had; None: captions."""
    if not args.preview_from_txt2img:
        return (args.preview_prompt,) if args.preview_prompt else None
    options = {
        "n": args.preview_negative_prompt or None,
        "w": args.preview_width,
        "h": args.preview_height,
        "d": args.preview_seed if (args.preview_seed or -1) >= 0 else None,
        "l": args.preview_cfg_scale,
        "s": args.preview_steps,
    }
    said = [f"--{letter} {value}" for letter, value in options.items() if value is not None]
    return (" ".join([args.preview_prompt, *said]),)


def read_dropout(args: CreateHypernetworkBody) -> float:
    """The share that inner layers leave out: as given, else A1111's."""
    if not args.use_dropout:
        return 0.0
    given = max(args.dropout_structure or (HYPERNETWORK_DROPOUT,))
    if not 0 <= given < 1:
        raise InvalidRequest(f"dropout_structure has {given:g}; it takes shares from 0 to below 1.")
    return given


def read_template(data: Path, name: str) -> tuple[str, ...]:
    """The lines of a template by the name of its file; none: captions as they are. Raises InvalidRequest.

    Those in textual_inversion_templates in the data folder go before the program's own.
    """
    if not name:
        return ()
    folder = data / TEMPLATES
    known = {path.name: path for path in regular_files(folder) if path.suffix == ".txt"}
    stems = {path.stem: path for path in known.values()}
    found = known.get(name) or stems.get(name)
    if found is not None:
        text = read_regular(found, MOST_TEMPLATE_BYTES).decode("utf-8", errors="replace")
        lines = tuple(line for each in text.splitlines() if (line := each.strip()))
    else:
        lines = OWN_TEMPLATES.get(name.removesuffix(".txt"), ())
    if not lines:
        names = sorted({*known, *(f"{each}.txt" for each in OWN_TEMPLATES)})
        raise InvalidRequest(
            f"No template_filename {name!r} with sentences. Choose one of {', '.join(names)}."
        )
    return lines


def read_clip(mode: str, value: str | float) -> float:
    """To what the gradients' norm is cut, 0 where it is not. Raises InvalidRequest."""
    if mode not in {"disabled", "norm"}:
        raise InvalidRequest(
            f"clip_grad_mode is {mode!r}; gradients are clipped by their norm. Give 'disabled' or 'norm'."
        )
    if mode == "disabled":
        return 0.0
    try:
        norm = float(value)
    except ValueError:
        norm = math.nan
    if not 0 < norm < math.inf:
        raise InvalidRequest(f"clip_grad_value is {value!r}; it takes a number above 0, such as 0.1.")
    return norm


def first_rate(rates: str) -> float:
    """The first of A1111's rates. Raises InvalidRequest."""
    try:
        return float(rates.split(",")[0].split(":")[0])
    except ValueError as error:
        raise InvalidRequest(
            f"learn_rate is {rates!r}; it takes a number, or rates with the steps up to which they hold, "
            "such as 0.005:100, 1e-3:1000."
        ) from error
