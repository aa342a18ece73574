"""Data sets from a disk: plain folders, kohya's `10_name` folders and `.toml` files, and zips of them."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from webui.core.errors import InvalidRequest, UnusableFile
from webui.core.work.training_run import TrainingRun
from webui.store.files.regular_files import entries_of, is_folder_entry, is_regular, regular_files
from webui.store.pictures.picture_files import is_picture_name
from webui.training.data.buckets import Placement, place
from webui.training.data.captions import caption_of_name, find_caption_file, read_caption
from webui.training.data.dataset import (
    CAPTION_SUFFIXES,
    DataSet,
    Example,
    MeasuredPicture,
    Rules,
    Skipped,
    Subset,
)
from webui.training.data.folders import Guard, allow_all, require_folder
from webui.training.data.toml_files import caption_keys, read_toml
from webui.training.data.unpacking import unpack_once

Measure = Callable[[Sequence[Path]], list[MeasuredPicture]]
KOHYA_FOLDER = re.compile(r"(\d+)_(.*)")
MAX_REPEATS = 10_000
REGULARISATION_FOLDERS = ("reg", "regularisation", "regularization")
MASK_FOLDERS = ("mask", "masks")
HINT_FOLDERS = ("hint", "hints", "conditioning", "control")
MASK_ENDS = (".mask", "-masklabel", "-mask")
HINT_ENDS = (".hint", "-hint")
MAX_DEPTH = 8
MAX_PICTURES = 200_000
# The text encoders read 75 tokens at once, of some four letters; this much is a mistake.
LONG_CAPTION = 2000
# A picture that is enlarged by more is blurred.
MOST_ENLARGED = 1.5
LEAST_KEPT = 0.6


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture before anybody looked at it; `subset` it came with."""

    path: Path
    name: str
    subset: Subset


def read_data(path: Path, run: TrainingRun, guard: Guard = allow_all) -> DataSet:
    """The data set at a path, with the run's regularisation pictures; damaged files are skipped and named.

    A zip is unpacked beside itself. `guard` is asked about every folder. Raises InvalidRequest or
    UnusableFile where there is nothing to learn from.
    """
    dataset = scan_data(path, run, guard)
    if run.method == "controlnet":
        dataset = keep_hinted(dataset)
    check_pictures(path, dataset)
    return dataset


def scan_data(
    path: Path, run: TrainingRun, guard: Guard = allow_all, measure: Measure | None = None
) -> DataSet:
    """The same, whether there is something to learn from or not. `measure` may know some pictures already."""
    skipped: list[Skipped] = []
    root, subsets = find_subsets(path, run, guard, skipped)
    if run.regularisation:
        # What is asked about and what is read must be one folder, wherever relative paths begin.
        folder = Path(run.regularisation).expanduser().absolute()
        require_folder("The folder for regularisation", folder, guard)
        subsets += regularisation_subsets(folder, run)
    return read_subsets(root, subsets, skipped, measure)


def find_subsets(
    path: Path, run: TrainingRun, guard: Guard, skipped: list[Skipped]
) -> tuple[Path, list[Subset]]:
    """Where a data set lies, and its folders."""
    suffix = path.suffix.lower()
    if suffix in (".toml", ".zip"):
        guard("The folder of the data set", path.parent)
        if suffix == ".toml" and is_regular(path):
            return path.parent, read_toml(path, run, guard, skipped)
        if is_regular(path):
            folder, left_out = unpack_once(path)
            skipped += left_out
            return folder, folder_subsets(folder, run)
    require_folder("The data set", path, guard)
    return path, folder_subsets(path, run)


def folder_subsets(folder: Path, run: TrainingRun) -> list[Subset]:
    """A plain folder, and those in it that kohya's names give repeats: `10_name`."""
    folder = find_inner(folder)
    plain = Subset(folder, Rules.of(run), run.repeats or 1)
    inner = inner_folders(folder)
    # Trainers with a window of their own lay pictures below img/.
    inner += [each for outer in inner if outer.name.lower() == "img" for each in inner_folders(outer)]
    named = [subset for each in inner if (subset := kohya_subset(each, plain.rules)) is not None]
    classes = [each for each in inner if each.name.lower() in REGULARISATION_FOLDERS]
    return [plain, *named, *(subset for each in classes for subset in regularisation_subsets(each, run))]


def find_inner(folder: Path) -> Path:
    """The folder that holds everything, where archives have one within another."""
    for _ in range(MAX_DEPTH):
        inner = inner_folders(folder)
        if len(inner) != 1 or any(is_picture_name(file.name) for file in regular_files(folder)):
            break
        if KOHYA_FOLDER.fullmatch(inner[0].name) or inner[0].name.lower() == "img":
            break
        folder = inner[0]
    return folder


def inner_folders(folder: Path) -> list[Path]:
    """The folders in a folder that are not hidden."""
    return [Path(entry.path) for entry in entries_of(folder) if is_plain_folder(entry)]


def regularisation_subsets(folder: Path, run: TrainingRun) -> list[Subset]:
    """A folder with pictures of the class, and kohya's in it."""
    rules = replace(Rules.of(run), trigger="", masks=False, class_tokens=(run.class_prompt or "").strip())
    named = [subset for each in inner_folders(folder) if (subset := kohya_subset(each, rules)) is not None]
    return [replace(each, is_regularisation=True) for each in (Subset(folder, rules, 1), *named)]


def is_plain_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry of a folder is one that pictures are looked for in; links lead elsewhere."""
    return not is_hidden(entry.name) and is_folder_entry(entry, follow_links=False)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is another program's business."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db")


def kohya_subset(folder: Path, rules: Rules) -> Subset | None:
    """A folder `10_name`, whose pictures are shown ten times an epoch; None for other names."""
    match = KOHYA_FOLDER.fullmatch(folder.name)
    if match is None:
        return None
    repeats = min(max(int(match[1][:6]), 1), MAX_REPEATS)
    return Subset(folder, replace(rules, class_tokens=match[2].strip()), repeats)


def read_subsets(
    root: Path, subsets: list[Subset], skipped: list[Skipped], measure: Measure | None = None
) -> DataSet:
    """All pictures of some folders; a folder in another is read with its own rules only."""
    if measure is None:
        # Loads numpy and OpenCV.
        from webui.training.data.facts import measure_all as measure

    own = [subset.folder.resolve() for subset in subsets]
    found: list[ListedPicture] = []
    for subset, folder in zip(subsets, own, strict=True):
        others = {other for other in own if other != folder}
        found += list_pictures(root, subset, others, skipped)
    if len(found) > MAX_PICTURES:
        raise InvalidRequest(f"{root} has more than {MAX_PICTURES:,} pictures. Name a folder further in.")
    examples: list[Example] = []
    for each, facts in zip(found, measure([each.path for each in found]), strict=True):
        if facts.fault is not None:
            skipped.append(Skipped(each.name, facts.fault))
        else:
            examples.append(make_example(each, facts))
    return DataSet(root, tuple(examples), tuple(skipped))


def list_pictures(
    root: Path, subset: Subset, others: set[Path], skipped: list[Skipped]
) -> Iterator[ListedPicture]:
    """The pictures of a folder and those below it, by name; masks and hints are none."""
    for folder in walk(subset.folder, others, MAX_DEPTH if subset.is_deep else 0):
        files = regular_files(folder)
        stems = {file.stem for file in files if is_picture_name(file.name)}
        for file in files:
            name = name_below(file, root)
            if is_hidden(file.name) or not is_picture_name(file.name) or is_companion(file, stems):
                continue
            if leads_out(file, subset.folder):
                skipped.append(Skipped(name, "it is a link to a file outside the data set"))
                continue
            yield ListedPicture(file, name, subset)


def walk(folder: Path, others: set[Path], depth: int) -> Iterator[Path]:
    """A folder and those below it that hold pictures to learn from."""
    yield folder
    for entry in entries_of(folder) if depth else []:
        path = Path(entry.path)
        is_other = entry.name.lower() in (*MASK_FOLDERS, *HINT_FOLDERS) or path.resolve() in others
        if is_plain_folder(entry) and not is_other:
            yield from walk(path, others, depth - 1)


def name_below(file: Path, root: Path) -> str:
    """How a file is called in sentences and in the desk: its path below the data set."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def is_companion(file: Path, stems: set[str]) -> bool:
    """Whether a picture is the mask or hint of another in its folder."""
    ends = (*MASK_ENDS, *HINT_ENDS)
    return any(file.stem.endswith(end) and file.stem.removesuffix(end) in stems for end in ends)


def leads_out(file: Path, folder: Path) -> bool:
    """Whether a link leads out of its data set."""
    return file.is_symlink() and not file.resolve().is_relative_to(folder.resolve())


def find_companion(picture: Path, ends: tuple[str, ...], folders: tuple[Path, ...]) -> Path | None:
    """The mask or hint of a picture: beside it with one of these ends, or in one of the folders."""
    beside = [picture.with_name(f"{picture.stem}{end}.png") for end in ends]
    within = [folder / name for folder in folders for name in (picture.name, f"{picture.stem}.png")]
    found = (path for path in (*beside, *within) if is_regular(path) and not leads_out(path, picture.parent))
    return next(found, None)


def make_example(found: ListedPicture, facts: MeasuredPicture) -> Example:
    """A picture with its caption, mask and hint."""
    subset, path = found.subset, found.path
    caption, remarks = find_caption(path, subset)
    folder = path.parent
    masks = tuple(folder / name for name in MASK_FOLDERS)
    hints = (subset.hints,) if subset.hints else tuple(folder / name for name in HINT_FOLDERS)
    placement = place((facts.width, facts.height), subset.rules)
    return Example(
        path=path,
        name=found.name,
        caption=caption,
        width=facts.width,
        height=facts.height,
        rules=subset.rules,
        repeats=subset.repeats,
        is_regularisation=subset.is_regularisation,
        mask=find_companion(path, MASK_ENDS, masks),
        has_alpha=facts.has_alpha,
        hint=find_companion(path, HINT_ENDS, hints),
        warnings=(*remarks, *describe(facts, placement)),
    )


def find_caption(picture: Path, subset: Subset) -> tuple[str, list[str]]:
    """The caption of a picture: its file's, else its folder's class, else its name; and remarks on it."""
    remarks: list[str] = []
    # Those of a metadata file go before, as kohya has it.
    caption = next((subset.captions[key] for key in caption_keys(picture) if key in subset.captions), None)
    file = find_caption_file(picture, subset.rules.caption_suffixes) if caption is None else None
    if file is not None:
        try:
            caption = read_caption(file)
        except OSError as error:
            remarks.append(f"Its caption file cannot be read: {error.strerror or error}.")
    if caption is None:
        caption = subset.rules.class_tokens or caption_of_name(picture)
        if not caption:
            remarks.append("It has no caption.")
    elif not caption and file is not None:
        remarks.append("Its caption file is empty.")
    if len(caption) > LONG_CAPTION:
        remarks.append(f"Its caption has {len(caption):,} characters; the end of it counts for little.")
    return caption, remarks


def describe(facts: MeasuredPicture, placement: Placement) -> Iterator[str]:
    """What the artist should know of a picture that is used all the same."""
    scale = placement.resized[0] / facts.width
    if scale > MOST_ENLARGED:
        width, height = placement.bucket
        yield (
            f"It has only {facts.width}x{facts.height} pixels and is enlarged to {width}x{height}, "
            "which blurs it."
        )
    if placement.kept_share < LEAST_KEPT:
        yield f"Its shape is unusual: {1 - placement.kept_share:.0%} of it is cut away."
    if facts.frames > 1:
        yield f"It is an animation of {facts.frames} frames; the first is used."
    if facts.is_blurred:
        yield "It seems to be blurred."


def keep_hinted(dataset: DataSet) -> DataSet:
    """The pictures that a ControlNet can learn from. Raises UnusableFile if none of them is one."""
    kept = tuple(each for each in dataset.examples if each.hint is not None)
    if dataset.examples and not kept:
        raise UnusableFile(
            f"No picture in {dataset.folder} has a hint for the ControlNet. Put name.hint.png beside "
            "name.png, or a folder hints/ with pictures of the same names."
        )
    left_out = [Skipped(each.name, "it has no hint") for each in dataset.examples if each.hint is None]
    return replace(dataset, examples=kept, skipped=(*dataset.skipped, *left_out))


def check_pictures(path: Path, dataset: DataSet) -> None:
    """Raise a sentence where there is nothing to learn from."""
    trained = [each for each in dataset.examples if not each.is_regularisation]
    if not trained:
        damaged = " ".join(dataset.sentences[:3])
        raise UnusableFile(
            f"There are no pictures to learn from in {path}. PNG, JPEG, WebP, AVIF, GIF, BMP and TIFF can be "
            f"read. {damaged}".strip()
        )


def count_pictures(path: Path, run: TrainingRun) -> tuple[int, int]:
    """How many pictures a folder has to learn from, and how many of them have captions; none is opened."""
    subsets = folder_subsets(path, run)
    own = {subset.folder.resolve() for subset in subsets}
    pictures = [
        each.path
        for subset in subsets
        if not subset.is_regularisation
        for each in list_pictures(path, subset, own - {subset.folder.resolve()}, [])
    ]
    return len(pictures), sum(find_caption_file(each, CAPTION_SUFFIXES) is not None for each in pictures)
