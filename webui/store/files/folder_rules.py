"""Which folders those who use the server may choose for pictures: such as lie below the data folder.

Whoever starts the server may have pictures anywhere: what stands in the settings file is used as it is, and
--allow-folder opens further folders to everybody's choice. docs/security.md has the rule for people.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from webui.core.errors import InvalidRequest
from webui.core.settings import FOLDER_PATTERN_KEYS, NAME_PATTERN_KEYS, Folders, Settings
from webui.store.files.safe_names import is_device

SEPARATORS = re.compile(r"[/\\]")
DRIVE = re.compile(r"[A-Za-z]:")
# What no file system has in a name, or Windows gives a meaning of its own.
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f\ud800-\udfff]')
# Linux takes 255 bytes for a name and 4096 for a path, of which the file needs some.
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 3000
# Nothing that is written here by a user's choice shall lie among what the server runs.
CODE_FOLDERS = ("webui", "extensions")


class FolderRules:
    """Decides on folders and on patterns for names. Any thread."""

    def __init__(self, root: Path, allowed: Iterable[Path] = ()) -> None:
        """`root` is where relative folders begin; `allowed` are further folders that the owner opens."""
        self._root = root
        self._allowed = tuple(allowed)

    def check(self, now: Settings, wanted: Settings) -> None:
        """Raise InvalidRequest if a folder or pattern that differs between the two leads where it may not."""
        before = now.options()
        for key, value in wanted.options().items():
            if value == before[key]:
                continue
            if key in Folders.model_fields:
                self.check_folder(f"The option {key}", value)
            elif key in NAME_PATTERN_KEYS | FOLDER_PATTERN_KEYS:
                check_pattern(key, value)

    def check_folder(self, what: str, folder: str) -> Path:
        """The folder that a text names, there yet or not. Raises InvalidRequest about `what`."""
        fault = folder_fault(folder)
        if fault:
            raise InvalidRequest(f"{what} is {show_path(folder)}, but {fault}.")
        path = self._root / folder
        try:
            real = path.resolve()
            # Links of the owner's, such as outputs/ on another disk, are no way out.
            roots = [place.resolve() for place in (self._root, *self._usual_folders(), *self._allowed)]
            nearest = next(place for place in (real, *real.parents) if place.exists())
        except (OSError, RuntimeError, ValueError) as error:
            raise InvalidRequest(f"{what} is {show_path(folder)}, but it leads nowhere.") from error
        code = [(self._root / name).resolve() for name in CODE_FOLDERS]
        if not any(real.is_relative_to(place) for place in roots) or any(map(real.is_relative_to, code)):
            raise InvalidRequest(
                f"{what} is {show_path(folder)}, but pictures lie below the data folder, as in outputs/mine. "
                "Whoever starts the server can allow other folders with --allow-folder."
            )
        if not nearest.is_dir():
            raise InvalidRequest(
                f"{what} is {show_path(folder)}, but {nearest.name} is no folder. Choose another."
            )
        return path

    def _usual_folders(self) -> set[Path]:
        """The outermost folders that pictures go to unless somebody chooses others: outputs and log."""
        defaults = (str(field.default) for field in Folders.model_fields.values())
        return {self._root / Path(default).parts[0] for default in defaults if default}


def folder_fault(folder: str) -> str | None:
    """Why a text cannot be a folder on every system, wherever it lies; None if it can."""
    is_whole = bool(DRIVE.match(folder)) and Path(folder).is_absolute()
    rest = folder[2:] if is_whole else folder
    parts = SEPARATORS.split(rest)
    is_long = len(rest.encode(errors="replace")) > MAX_PATH_BYTES or any(
        len(part.encode(errors="replace")) > MAX_NAME_BYTES for part in parts
    )
    faults = {
        "folders of other machines are not used": folder.startswith(("//", "\\")),
        "'..' leads out of the folder before it. Write the folder itself": any(map(is_climbing, parts)),
        "'~' is not known here. Write the folder in full": parts[0].startswith("~"),
        "hidden folders are the program's own": any(re.match(r"\.[^. ]", part) for part in parts),
        "file names have no such characters": bool(FORBIDDEN.search(rest)),
        "Windows keeps that name for a device": any(map(is_device, parts)),
        "that is too long for a file system": is_long,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def check_pattern(key: str, pattern: str) -> None:
    """Raise InvalidRequest for a pattern of names that asks for a way out; none is taken in any case."""
    parts = SEPARATORS.split(pattern)
    fault = None
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", pattern):
        fault = "file names have no such characters"
    elif any(is_climbing(part) for part in parts):
        fault = "'..' leads out of the folder for pictures. Leave it out"
    elif SEPARATORS.match(pattern) or DRIVE.match(pattern):
        fault = "it begins like a whole path. Begin with a name; the folder is a setting of its own"
    if fault:
        raise InvalidRequest(f"The option {key} is {show_path(pattern)}, but {fault}.")


def is_climbing(part: str) -> bool:
    """Whether a part of a path leads upwards: Windows passes over dots and spaces at the end."""
    return ".." in part and not part.strip(". ")


def show_path(text: str) -> str:
    """A text as a sentence has it: not too long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
