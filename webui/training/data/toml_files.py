"""kohya's `.toml` data-set files: general values, data sets, and the folders (subsets) of each."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from webui.core.errors import InvalidRequest, UnusableFile
from webui.core.work.training_run import TrainingRun
from webui.store.files.regular_files import read_regular
from webui.training.data.captions import decode_text, join_lines
from webui.training.data.dataset import Rules, Skipped, Subset, with_dot
from webui.training.data.folders import Guard, require_folder

MAX_TOML_BYTES = 1_000_000
MAX_METADATA_BYTES = 256 * 2**20
Side = Annotated[int, Field(ge=8, le=16384)]
Share = Annotated[float, Field(ge=0, le=1)]


def both_sides(value: object) -> object:
    """One number stands for a square."""
    return (value, value) if isinstance(value, int) else value


class Values(BaseModel):
    """What kohya's keys say of a folder, those of its data set and of [general] included; None: the run's."""

    model_config = ConfigDict(extra="ignore")

    image_dir: str = Field(min_length=1)
    num_repeats: int | None = Field(None, ge=1, le=10_000)
    class_tokens: str | None = None
    is_reg: bool = False
    conditioning_data_dir: str | None = None
    metadata_file: str | None = None
    resolution: Annotated[tuple[Side, Side], BeforeValidator(both_sides)] | None = None
    batch_size: int | None = Field(None, ge=1, le=256)
    enable_bucket: bool | None = None
    min_bucket_reso: Side | None = None
    max_bucket_reso: Side | None = None
    bucket_reso_steps: Annotated[int, Field(ge=8, le=256, multiple_of=8)] | None = None
    bucket_no_upscale: bool | None = None
    flip_aug: bool | None = None
    color_aug: bool | None = None
    random_crop: bool | None = None
    alpha_mask: bool | None = None
    caption_extension: str | None = None
    keep_tokens: int | None = Field(None, ge=0)
    keep_tokens_separator: str | None = None
    shuffle_caption: bool | None = None
    caption_prefix: str | None = None
    caption_suffix: str | None = None
    caption_dropout_rate: Share | None = None
    caption_tag_dropout_rate: Share | None = None


# kohya's older names.
OTHER_NAMES = {"caption_extention": "caption_extension"}
# Not used, without a loss: these are the defaults of what is done here, or of no effect on data.
HARMLESS = {
    "caption_separator": ",",
    "secondary_separator": "",
    "enable_wildcard": False,
    "face_crop_aug_range": None,
    "token_warmup_min": 1,
    "token_warmup_step": 0,
    "caption_dropout_every_n_epochs": 0,
    "cache_info": None,
    "validation_split": 0.0,
    "validation_seed": None,
    "skip_image_resolution": None,
    "resize_interpolation": None,
    "network_multiplier": 1.0,
}


def read_toml(path: Path, run: TrainingRun, guard: Guard, skipped: list[Skipped]) -> list[Subset]:
    """The folders that a file names, each with its own values. Raises InvalidRequest or UnusableFile."""
    document = parse(path)
    general = table(document.get("general", {}), path, "general")
    subsets: list[Subset] = []
    for number, dataset in enumerate(tables(document.get("datasets", []), path, "datasets")):
        inner = tables(dataset.get("subsets", []), path, "subsets")
        common = {key: value for key, value in dataset.items() if key != "subsets"}
        for place, own in enumerate(inner):
            merged = rename(general | common | own)
            where = f"datasets[{number}].subsets[{place}]"
            name_unused(path, merged, skipped)
            subsets.append(make_subset(path, read_values(path, where, merged), run, guard))
    if not subsets:
        raise UnusableFile(
            f"{path.name} names no pictures. It needs [[datasets]] with [[datasets.subsets]], "
            "each with an image_dir."
        )
    return subsets


def parse(path: Path) -> dict[str, Any]:
    """The file as a document."""
    try:
        return tomllib.loads(decode_text(read_regular(path, MAX_TOML_BYTES)))
    except tomllib.TOMLDecodeError as error:
        raise UnusableFile(f"{path.name} is no valid TOML: {error}.") from error
    except (OSError, RecursionError) as error:
        raise UnusableFile(f"{path.name} cannot be read: {error}.") from error


def table(value: object, path: Path, name: str) -> dict[str, Any]:
    """A table of the document."""
    if not isinstance(value, dict):
        raise UnusableFile(f"{name} in {path.name} is not a table. Write [{name}] above its keys.")
    return cast("dict[str, Any]", value)


def tables(value: object, path: Path, name: str) -> list[dict[str, Any]]:
    """A list of tables of the document."""
    if not isinstance(value, list):
        raise UnusableFile(f"{name} in {path.name} is no list of tables. Write [[{name}]] above each.")
    return [table(each, path, name) for each in cast("list[object]", value)]


def rename(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under today's names."""
    return {OTHER_NAMES.get(key, key): value for key, value in values.items()}


def name_unused(path: Path, values: Mapping[str, Any], skipped: list[Skipped]) -> None:
    """Note keys that would change something if they were used."""
    for key, value in values.items():
        if key in Values.model_fields or (key in HARMLESS and HARMLESS[key] in (value, None)):
            continue
        note = Skipped(f"The key {key} in {path.name}", "it is not used here")
        if note not in skipped:
            skipped.append(note)


def read_values(path: Path, where: str, values: Mapping[str, Any]) -> Values:
    """The values, checked. Raises UnusableFile with the first that is wrong."""
    try:
        return Values.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UnusableFile(
            f"The key {key} of {where} in {path.name} cannot be used: {first['msg']}."
        ) from error


def make_subset(path: Path, values: Values, run: TrainingRun, guard: Guard) -> Subset:
    """One folder; its values go before the run's. Raises InvalidRequest."""
    folder = find_folder(path, values.image_dir)
    require_folder(f"The image_dir in {path.name}", folder, guard)
    hints = None
    if values.conditioning_data_dir:
        hints = find_folder(path, values.conditioning_data_dir)
        require_folder(f"The conditioning_data_dir in {path.name}", hints, guard)
    rules = merge_rules(Rules.of(run), values)
    if values.is_reg:
        rules = replace(rules, trigger="", masks=False)
    return Subset(
        folder,
        rules,
        values.num_repeats or (1 if values.is_reg else run.repeats or 1),
        is_regularisation=values.is_reg,
        hints=hints,
        is_deep=False,
        captions=read_metadata(path, values.metadata_file, guard) if values.metadata_file else {},
    )


def find_folder(path: Path, name: str) -> Path:
    """A path in the file: relative ones begin at the file's own folder."""
    return path.parent / Path(name).expanduser()


def merge_rules(rules: Rules, values: Values) -> Rules:
    """The run's rules with what a folder has otherwise."""
    given: dict[str, Any] = {
        "resolution": values.resolution,
        "batch_size": values.batch_size,
        "bucketing": values.enable_bucket,
        "min_side": values.min_bucket_reso,
        "max_side": values.max_bucket_reso,
        "step": values.bucket_reso_steps,
        "enlarge": None if values.bucket_no_upscale is None else not values.bucket_no_upscale,
        "flip": values.flip_aug,
        "vary_colours": values.color_aug,
        "crop": None if values.random_crop is None else "random" if values.random_crop else "center",
        "masks": values.alpha_mask,
        "caption_suffixes": (with_dot(values.caption_extension),) if values.caption_extension else None,
        "class_tokens": values.class_tokens and values.class_tokens.strip(),
        "keep_tokens": values.keep_tokens,
        "keep_separator": values.keep_tokens_separator and values.keep_tokens_separator.strip(),
        "shuffle": values.shuffle_caption,
        "prefix": values.caption_prefix and values.caption_prefix.strip(),
        "suffix": values.caption_suffix and values.caption_suffix.strip(),
        "caption_dropout": values.caption_dropout_rate,
        "tag_dropout": values.caption_tag_dropout_rate,
    }
    return replace(rules, **{key: value for key, value in given.items() if value is not None})


def read_metadata(path: Path, name: str, guard: Guard) -> dict[str, str]:
    """Captions of kohya's JSON, by the pictures' paths or names without type: caption and tags as one."""
    file = find_folder(path, name)
    guard(f"The folder of the metadata_file in {path.name}", file.parent)
    try:
        document = json.loads(decode_text(read_regular(file, MAX_METADATA_BYTES)))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"The metadata_file {name} in {path.name} cannot be read: {error}.") from error
    if not isinstance(document, dict):
        raise InvalidRequest(f"The metadata_file {name} in {path.name} is no object with a picture a key.")
    entries = cast("dict[str, object]", document)
    return {key: caption_of_entry(entry) for key, entry in entries.items() if isinstance(entry, dict)}


def caption_of_entry(entry: Mapping[str, object]) -> str:
    """Caption and tags of a picture."""
    parts = [entry.get(key) for key in ("caption", "tags")]
    return ", ".join(line for part in parts if isinstance(part, str) and (line := join_lines(part)))


def caption_keys(picture: Path) -> Sequence[str]:
    """What metadata files may call a picture."""
    return (str(picture), str(picture.with_suffix("")), picture.name, picture.stem)
