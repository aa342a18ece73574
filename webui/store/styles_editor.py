"""Changes of styles that people make: one at a time, on the files as they are now, each deletion undoable."""

import hashlib
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webui.core.errors import Busy, InvalidRequest, NotFound
from webui.core.readable import readable
from webui.core.style import Style
from webui.store.styles_file import StylesFiles

MAX_NAME = 200
MAX_PROMPT = 100_000
# So many deletions can be undone; the files' .bak copies hold the last for longer.
KEPT_DELETIONS = 100


@dataclass(frozen=True, slots=True)
class DeletedStyle:
    """A row that was taken out of a file. `shadowed`: a style of the same name in another row counts now."""

    id: str
    style: Style
    cells: tuple[str, ...]
    at: int
    shadowed: Style | None = None


class StylesEditor:
    """Writes the files that `paths` name, which may hold patterns. Any thread."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Reads nothing yet."""
        self._paths = tuple(paths)
        self._lock = threading.Lock()
        self._deleted: dict[str, DeletedStyle] = {}

    def load(self) -> StylesFiles:
        """The files as they are now."""
        return StylesFiles.load(self._paths)

    def add(self, style: Style, file: str = "") -> Style:
        """Write a new style into the file of that label, else the first. Raises InvalidRequest if taken."""
        style = clean(style)
        with self._lock:
            files = self.load()
            check_free(files, style.name)
            path = path_labelled(files, file) if file else files.files[0].path
            files.with_style(Style(style.name, style.prompt, style.negative_prompt, path)).save()
            return find(self.load(), style.name)

    def change(self, name: str, style: Style, version: str) -> Style:
        """Write a style in its place, renamed where the names differ.

        `version` tells which text it was made from; raises Busy if the file has another by now.
        """
        style = clean(style)
        with self._lock:
            files = self.load()
            check_version(find(files, name), version)
            if style.name != name:
                check_free(files, style.name)
            files.with_style(style, name).save()
            return find(self.load(), style.name)

    def delete(self, name: str, version: str) -> DeletedStyle:
        """Take a style out of its file. Raises Busy as `change` does."""
        with self._lock:
            files = self.load()
            style = find(files, name)
            check_version(style, version)
            rest, cells, at = files.without(style)
            rest.save()
            deleted = DeletedStyle(uuid.uuid4().hex, style, cells, at, rest.find(name))
            self._deleted[deleted.id] = deleted
            for old in list(self._deleted)[:-KEPT_DELETIONS]:
                del self._deleted[old]
            return deleted

    def restore(self, identity: str) -> Style:
        """Put a deleted style back where it stood."""
        with self._lock:
            deleted = self._deleted.get(identity)
            if deleted is None:
                raise NotFound(
                    "This style can no longer be put back. The file's .bak copy may still have it."
                )
            files, name = self.load(), deleted.style.name
            if deleted.shadowed is None:
                check_free(files, name)
            path = deleted.style.path
            if path not in {file.path for file in files.files}:
                raise NotFound(f"The file that held the style {name!r} is gone. Save the style anew.")
            files.with_row(path, deleted.cells, deleted.at).save()
            del self._deleted[identity]
            return find(self.load(), name)


def clean(style: Style) -> Style:
    """A style as it can be written. Raises InvalidRequest for what no file could give back."""
    name = style.name.strip()
    if not name:
        raise InvalidRequest("The style has no name. Give it one.")
    if len(name) > MAX_NAME or any(ord(letter) < 32 for letter in name):
        raise InvalidRequest(f"A style's name is one line of at most {MAX_NAME} characters.")
    if name.startswith("#"):
        raise InvalidRequest("A style's name cannot begin with #, which marks comments in the file.")
    texts = (name, style.prompt.strip(), style.negative_prompt.strip())
    for text in texts:
        if len(text) > MAX_PROMPT or "\0" in text or text != readable(text):
            raise InvalidRequest(
                f"A style's prompts have at most {MAX_PROMPT:,} characters, all of which can be written."
            )
    return Style(*texts)


def find(files: StylesFiles, name: str) -> Style:
    """The style of that name. Raises NotFound."""
    style = files.find(name)
    if style is None:
        raise NotFound(f"There is no style {name!r} in the files any more. Read them again.")
    return style


def check_free(files: StylesFiles, name: str) -> None:
    """Raise InvalidRequest if a style has the name."""
    if files.find(name) is not None:
        raise InvalidRequest(f"There is a style {name!r} already. Choose another name, or edit that one.")


def check_version(style: Style, version: str) -> None:
    """Raise Busy if a style is another than the one that was shown."""
    if version != version_of(style):
        raise Busy(
            f"The style {style.name!r} was changed in its file in the meantime. See how it is now first."
        )


def version_of(style: Style) -> str:
    """What tells a style's texts from others."""
    parts = (style.name, style.prompt, style.negative_prompt, str(style.path))
    whole = "\0".join(parts).encode("utf-8", errors="surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:16]


def labels(files: StylesFiles) -> dict[Path, str]:
    """What people call each file: its name, with the folder where two have one name."""
    paths = [file.path for file in files.files]
    counts = Counter(path.name for path in paths)
    return {
        path: readable(path.name if counts[path.name] == 1 else f"{path.parent.name}/{path.name}")
        for path in paths
    }


def path_labelled(files: StylesFiles, label: str) -> Path:
    """The file that is called so. Raises NotFound; no other path is ever written."""
    for path, known in labels(files).items():
        if known == label:
            return path
    raise NotFound(f"There is no styles file {label!r}. Read the list again.")
