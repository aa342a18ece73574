"""Data sets from a disk: plain folders, kohya's `10_name` folders and `.toml` files, and zips of them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from webui.core.errors import InvalidRequest, UnusableFile
from webui.core.training_run import TrainingRun
from webui.store.files.regular_files import entries_of, is_folder, is_folder_entry, is_regular, regular_files
from webui.store.pictures.picture_files import is_picture_name
from webui.training.data.buckets import Placement, place
from webui.training.data.captions import caption_of_name, find_caption_file, read_caption
from webui.training.data.dataset import DataSet, Example, PictureFacts, Rules, Skipped

# Asked of each folder that a data set names; raises InvalidRequest where it may not be read.
Guard = Callable[[str, Path], None]
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
class Subset:
    """A folder whose pictures are shown alike."""

    folder: Path
    rules: Rules
    repeats: int
    is_regularisation: bool = False
    hints: Path | None = None
    is_deep: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A picture before anybody looked at it; `subset` it came with."""

    path: Path
    name: str
    subset: Subset


def allow_all(what: str, folder: Path) -> None:
    """The guard of whoever reads files of their own."""


def read_data(path: Path, run: TrainingRun, guard: Guard = allow_all) -> DataSet:
    """The data set at a path, with the run's regularisation pictures; damaged files are skipped and named.

    `guard` is asked about every folder. Raises InvalidRequest or UnusableFile where there is nothing to learn
    from.
    """
    skipped: list[Skipped] = []
    subsets = list(find_subsets(path, run, guard, skipped))
    if run.regularisation:
        folder = Path(run.regularisation).expanduser()
        guard("The folder for regularisation", folder)
        require_folder("The folder for regularisation", folder)
        subsets += regularisation_subsets(folder, run)
    dataset = read_subsets(path, subsets, skipped)
    check_pictures(path, dataset, run)
    return dataset


def find_subsets(path: Path, run: TrainingRun, guard: Guard, skipped: list[Skipped]) -> Iterator[Subset]:
    """The folders of a data set."""
    if path.suffix.lower() in (".toml", ".zip") and is_regular(path):
        raise InvalidRequest(f"{path.name} cannot be read yet. Name a folder.")
    guard("The data set", path)
    require_folder("The data set", path)
    yield from folder_subsets(path, run)


def require_folder(what: str, folder: Path) -> None:
    """Raise InvalidRequest if there is no folder."""
    if not is_folder(folder):
        found = "is a file" if is_regular(folder) else "is not there"
        raise InvalidRequest(
            f"{what} is to be {folder}, but that {found}. Name a folder with pictures, a .zip or a .toml."
        )


def folder_subsets(folder: Path, run: TrainingRun) -> list[Subset]:
    """A plain folder, and those in it that kohya's names give repeats: `10_name`."""
    rules, repeats = Rules.of(run), run.repeats or 1
    plain = Subset(folder, rules, repeats)
    inner = [Path(entry.path) for entry in entries_of(folder) if is_plain_folder(entry.name, entry)]
    named = [subset for each in inner if (subset := kohya_subset(each, rules)) is not None]
    classes = [each for each in inner if each.name.lower() in REGULARISATION_FOLDERS]
    return [plain, *named, *(subset for each in classes for subset in regularisation_subsets(each, run))]


def regularisation_subsets(folder: Path, run: TrainingRun) -> list[Subset]:
    """The same for pictures of the class."""
    rules = replace(Rules.of(run), trigger="", masks=False, class_tokens=(run.class_prompt or "").strip())
    inner = [Path(entry.path) for entry in entries_of(folder) if is_plain_folder(entry.name, entry)]
    named = [subset for each in inner if (subset := kohya_subset(each, rules)) is not None]
    return [replace(each, is_regularisation=True) for each in (Subset(folder, rules, 1), *named)]


def is_plain_folder(name: str, entry: object) -> bool:
    """Whether an entry of a folder is one that pictures are looked for in; links lead elsewhere."""
    return not is_hidden(name) and is_folder_entry(entry, follow_links=False)  # type: ignore[arg-type]


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


def read_subsets(root: Path, subsets: list[Subset], skipped: list[Skipped]) -> DataSet:
    """All pictures of some folders, each once: a folder in another is read with its own rules."""
    # Loads numpy and OpenCV.
    from webui.training.data.facts import measure_all

    taken = {subset.folder.resolve() for subset in subsets}
    found = [
        each
        for subset in subsets
        for each in list_pictures(root, subset, taken - {subset.folder.resolve()}, skipped)
    ]
    if len(found) > MAX_PICTURES:
        raise InvalidRequest(f"{root} has more than {MAX_PICTURES:,} pictures. Name a folder further in.")
    examples: list[Example] = []
    for each, facts in zip(found, measure_all([each.path for each in found]), strict=True):
        if facts.fault is not None:
            skipped.append(Skipped(each.name, facts.fault))
        else:
            examples.append(make_example(each, facts))
    return DataSet(root, tuple(examples), tuple(skipped))


def list_pictures(root: Path, subset: Subset, others: set[Path], skipped: list[Skipped]) -> Iterator[Found]:
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
            yield Found(file, name, subset)


def walk(folder: Path, others: set[Path], depth: int) -> Iterator[Path]:
    """A folder and those below it that hold pictures to learn from."""
    yield folder
    for entry in entries_of(folder) if depth else []:
        path = Path(entry.path)
        is_other = entry.name.lower() in (*MASK_FOLDERS, *HINT_FOLDERS) or path.resolve() in others
        if is_plain_folder(entry.name, entry) and not is_other:
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


def make_example(found: Found, facts: PictureFacts) -> Example:
    """A picture with its caption, mask and hint."""
    subset, path = found.subset, found.path
    caption, remarks = find_caption(path, subset.rules)
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


def find_caption(picture: Path, rules: Rules) -> tuple[str, list[str]]:
    """The caption of a picture: its file's, else its folder's class, else its name; and remarks on it."""
    file = find_caption_file(picture, rules.caption_suffixes)
    remarks: list[str] = []
    caption = None
    if file is not None:
        try:
            caption = read_caption(file)
        except OSError as error:
            remarks.append(f"Its caption file cannot be read: {error.strerror or error}.")
    if caption is None:
        caption = rules.class_tokens or caption_of_name(picture)
    elif not caption:
        remarks.append("Its caption file is empty.")
    if len(caption) > LONG_CAPTION:
        remarks.append(f"Its caption has {len(caption):,} characters; the end of it counts for little.")
    return caption, remarks


def describe(facts: PictureFacts, placement: Placement) -> Iterator[str]:
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


def check_pictures(path: Path, dataset: DataSet, run: TrainingRun) -> None:
    """Raise a sentence where there is nothing to learn from, or nothing to show a ControlNet."""
    trained = [each for each in dataset.examples if not each.is_regularisation]
    if not trained:
        damaged = " ".join(dataset.sentences[:3])
        raise UnusableFile(
            f"There are no pictures to learn from in {path}. PNG, JPEG, WebP, AVIF, GIF, BMP and TIFF can be "
            f"read. {damaged}".strip()
        )
    if run.method == "controlnet" and not any(each.hint for each in trained):
        raise UnusableFile(
            f"No picture in {path} has a hint for the ControlNet. Put name.hint.png beside name.png, or a "
            "folder hints/ with pictures of the same names."
        )
