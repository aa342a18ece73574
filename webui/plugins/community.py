"""Folders of A1111's community extensions: which there are, and which are wanted. `webui.compat` loads them.

A folder with a `plugin.py` is an extension of this program's own kind and is not meant here.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webui.core.readable import readable
from webui.plugins.importing import PLUGIN
from webui.plugins.loading import FOLDER, MOST_EXTENSIONS, ExtensionRecord, State

logger = logging.getLogger(__name__)
BUILT_IN_FOLDER = "extensions-builtin"
# What makes a folder an extension of A1111's; anything else beside extensions is left alone.
SIGNS = (
    "scripts",
    "javascript",
    "localizations",
    "style.css",
    "install.py",
    "preload.py",
    "metadata.ini",
)
# Scripts without an extension lie in A1111's own folder for them. All of them are as one extension here.
SCRIPTS_FOLDER, LOOSE_NAME = "scripts", "Custom scripts"
# Those that A1111 itself has there, in its versions: what they do is built in here.
SCRIPTS_OF_A1111 = frozenset(
    {
        "custom_code.py",
        "img2imgalt.py",
        "loopback.py",
        "outpainting_mk_2.py",
        "poor_mans_outpainting.py",
        "postprocessing_caption.py",
        "postprocessing_codeformer.py",
        "postprocessing_create_flipped_copies.py",
        "postprocessing_focal_crop.py",
        "postprocessing_gfpgan.py",
        "postprocessing_split_oversized.py",
        "postprocessing_upscale.py",
        "processing_autosized_crop.py",
        "prompt_matrix.py",
        "prompts_from_file.py",
        "sd_upscale.py",
        "xy_grid.py",
        "xyz_grid.py",
    }
)
# Those that come with A1111 itself, as an installed A1111 has them: what they do is built in here.
COMES_WITH_A1111 = frozenset(
    {
        "canvas-zoom-and-pan",
        "extra-options-section",
        "hypertile",
        "ldsr",
        "lora",
        "mobile",
        "postprocessing-for-training",
        "prompt-bracket-checker",
        "scunet",
        "soft-inpainting",
        "swinir",
    }
)


@dataclass(frozen=True, slots=True)
class CommunityFolder:
    """A folder of an extension. `name` is the folder's, as text can have it.

    With `is_loose` it is A1111's own folder of scripts, in which each file stands for itself.
    """

    name: str
    folder: Path
    is_built_in: bool = False
    is_loose: bool = False

    @property
    def canonical_name(self) -> str:
        """What names it in rules of order and in comparisons."""
        return self.name.lower()

    @property
    def base(self) -> Path:
        """The folder that its scripts are told they belong to."""
        return self.folder.parent if self.is_loose else self.folder

    def scripts(self) -> list[Path]:
        """Its scripts by name: files ending in `.py` that lie in the folder for them itself."""
        home = self.folder if self.is_loose else self.folder / SCRIPTS_FOLDER
        try:
            files = sorted(each for each in home.iterdir() if each.suffix == ".py" and each.is_file())
        except OSError:
            return []
        return [each for each in files if not (self.is_loose and each.name in SCRIPTS_OF_A1111)]


@dataclass(frozen=True, slots=True)
class CommunityChoice:
    """Folders to load, and a record of each other one."""

    wanted: tuple[CommunityFolder, ...] = ()
    others: tuple[ExtensionRecord, ...] = ()


def community_homes(*roots: Path) -> list[tuple[Path, bool]]:
    """The folders in which extensions lie, and whether they are those of built-in ones, which come first."""
    distinct = list({root.resolve(): root for root in roots}.values())
    return [(root / BUILT_IN_FOLDER, True) for root in distinct] + [
        (root / FOLDER, False) for root in distinct
    ]


def find_community(*roots: Path) -> list[CommunityFolder]:
    """Extensions below these roots: built-in ones first, then the others, each by name. Runs none of them.

    Scripts that lie in a root's folder `scripts` come before all others, as in A1111.
    """
    found = [CommunityFolder(LOOSE_NAME, home, is_loose=True) for home in loose_homes(*roots)]
    for home, is_built_in in community_homes(*roots):
        try:
            folders = sorted(each for each in home.iterdir() if not each.name.startswith((".", "__")))
        except OSError:
            continue
        chosen = [each for each in folders if is_community(each)][:MOST_EXTENSIONS]
        found += [CommunityFolder(readable(each.name), each, is_built_in) for each in chosen]
    return found


def loose_homes(*roots: Path) -> list[Path]:
    """The folder with scripts of the artist's own, if there are any; the first of several."""
    distinct = {(root / SCRIPTS_FOLDER).resolve(): root / SCRIPTS_FOLDER for root in roots}.values()
    return [home for home in distinct if CommunityFolder(LOOSE_NAME, home, is_loose=True).scripts()][:1]


def have_preload(*roots: Path) -> bool:
    """Whether any extension below these roots may add flags of its own."""
    return any(has_preload(each.folder) for each in find_community(*roots) if not each.is_loose)


def has_preload(folder: Path | None) -> bool:
    """Whether an extension may add flags of its own."""
    return folder is not None and (folder / "preload.py").is_file()


def is_community(folder: Path) -> bool:
    """Whether a folder is an extension of A1111's."""
    try:
        if (folder / f"{PLUGIN}.py").exists():
            return False
        return any((folder / sign).exists() for sign in SIGNS)
    except OSError:
        return False


def choose_community(
    found: Iterable[CommunityFolder],
    *,
    taken: Iterable[str] = (),
    disabled: Iterable[str] = (),
    without: str = "",
    refusals: Mapping[str, str] | None = None,
    distrust: Callable[[Path], str] = lambda folder: "",
    order: Sequence[str] = (),
) -> CommunityChoice:
    """Which of the folders are wanted, and in which order: those that `order` names first, then the others.

    `taken` are names of other extensions, `without` is "all" or "extra" where none, or only built-in ones,
    are loaded, and `refusals` are sentences, by name, on those that must not be loaded. `distrust` tells of a
    folder why its code is not run, "" if it may be; it is asked only about those that would be.
    """
    known, off = {name.lower() for name in taken}, {name.lower() for name in disabled}
    wanted: list[CommunityFolder] = []
    others: list[ExtensionRecord] = []
    places = {name: place for place, name in reversed(list(enumerate(order)))}

    def rank(each: CommunityFolder) -> tuple[bool, bool, int]:
        return not each.is_loose, not each.is_built_in, places.get(each.name, len(order))

    for each in sorted(found, key=rank):
        if each.canonical_name in known:
            logger.warning("There are two extensions named %s; the second is not used", each.name)
            continue
        known.add(each.canonical_name)
        state, error = refuse(each, off, without, refusals or {})
        if state is None and (reason := distrust(each.folder)):
            state, error = "not loaded", reason
        if state is None:
            wanted.append(each)
        else:
            others.append(ExtensionRecord(each.name, "a1111", each.folder, state, error))
    return CommunityChoice(tuple(wanted), tuple(others))


def refuse(
    each: CommunityFolder, disabled: set[str], without: str, refusals: Mapping[str, str]
) -> tuple[State | None, str]:
    """Why one is not loaded, as a state and a sentence; None if it is."""
    if each.canonical_name in disabled:
        return "switched off", refusals.get(each.name, "")
    if without == "all" or (without == "extra" and not each.is_built_in):
        return "not loaded", "The server was started without it."
    if each.is_built_in and each.canonical_name in COMES_WITH_A1111:
        return "not loaded", "It comes with A1111, and what it does is built in here."
    if each.name in refusals:
        return "not loaded", refusals[each.name]
    return None, ""


def names_of(folders: Sequence[CommunityFolder]) -> str:
    """The names, for a line of the log."""
    return ", ".join(each.name for each in folders)
