"""Pictures written where an extension wants them, whole or not at all, under A1111's names."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PIL import Image

from webui.compat.a1111.facades.naming import name_of_picture, next_sequence_number
from webui.core.errors import StorageError
from webui.core.settings import PictureFormat, Saving, spell_format
from webui.store.files.atomic import move_exclusively, storage_errors, write_atomically, write_beside
from webui.store.pictures.filenames import NameFacts, Naming, folder_parts
from webui.store.pictures.images import encode_infotext_or_not, is_large, jpg_of_large
from webui.store.pictures.numbering import add_number
from webui.store.texts.encoding import LARGEST_SIDE, MODES, PictureNotes, fits

# A number is taken only if another program wrote the same name in the same instant.
ATTEMPTS = 500


@dataclass(frozen=True, slots=True)
class WantedName:
    """How a file is to be called: with a number after `basename` where `is_numbered`, then the decoration."""

    folder: Path
    basename: str
    decoration: str
    is_numbered: bool

    def stem(self, number: int) -> str:
        """The name of a number, without its type."""
        if not self.is_numbered:
            return self.decoration
        dash = "-" if self.decoration else ""
        return f"{add_number(self.basename, number)}{dash}{self.decoration}"

    def next_free(self, extension: str) -> Path:
        """A path that nothing has yet, where files are numbered."""
        number = next_sequence_number(self.folder, self.basename) if self.is_numbered else 0
        for add in range(ATTEMPTS):
            path = self.folder / f"{self.stem(number + add)}.{extension}"
            if not self.is_numbered or not path.exists():
                return path
        raise StorageError(f"There is no free number in {self.folder}. Choose another folder.")


def folder_below(folder: Path, facts: NameFacts, image: Image.Image, saving: Saving) -> Path:
    """The subfolder that the settings' pattern asks for."""
    naming = Naming(facts, image, saving.directories_max_prompt_words)
    return folder.joinpath(*folder_parts(saving.directories_filename_pattern or "[prompt_words]", naming))


def wanted_name(
    folder: Path,
    basename: str,
    facts: NameFacts,
    image: Image.Image,
    saving: Saving,
    *,
    short: bool,
    suffix: str,
) -> WantedName:
    """A number, then what the pattern gives; without a seed, or where `short`, the number alone."""
    pattern = "" if short or facts.seed is None else name_of_picture(facts, image, saving)
    decoration = pattern + suffix
    return WantedName(
        folder,
        basename,
        decoration.lstrip("-") if not pattern else decoration,
        is_numbered=saving.save_images_add_number or not decoration,
    )


def picture_format(extension: str) -> PictureFormat | None:
    """The format of a file's type, None if it is none of ours."""
    spelled = spell_format(extension)
    return cast(PictureFormat, spelled) if spelled in MODES else None


def usable_extension(image: Image.Image, extension: str) -> str:
    """The type asked for, or png where it cannot hold a picture so large."""
    known = picture_format(extension)
    is_too_large = known is not None and max(image.size) > LARGEST_SIDE[known]
    return "png" if is_too_large else extension.lower().removeprefix(".")


def encode_picture(image: Image.Image, extension: str, notes: PictureNotes, saving: Saving) -> bytes:
    """The bytes of a file, in one of our formats or, without texts, in another of Pillow's.

    Raises StorageError.
    """
    known = picture_format(extension)
    if known is not None and fits(image, known):
        return encode_infotext_or_not(image, known, notes, saving)
    file = io.BytesIO()
    try:
        image.save(file, Image.registered_extensions()[f".{extension.lower()}"], quality=saving.jpeg_quality)
    except (KeyError, ValueError, OSError) as error:
        raise StorageError(
            f"A picture cannot be saved as {extension!r}. Use png, jpg, webp or avif."
        ) from error
    return file.getvalue()


def publish(path: Path, data: bytes, name: WantedName | None, saving: Saving) -> Path:
    """Write a file; the path that it got.

    A numbered one takes another number where the name was taken meanwhile; others replace what is there, or
    get a suffix, as the settings say. Raises StorageError.
    """
    if name is None and saving.save_images_replace_action == "Replace":
        write_atomically(path, data)
        return path
    extension = path.suffix.removeprefix(".")
    with storage_errors(path), write_beside(path, data) as temporary:
        for number in range(1, ATTEMPTS):
            if move_exclusively(temporary, path):
                return path
            path = name.next_free(extension) if name else path.with_name(f"{path.stem}-{number}{path.suffix}")
    raise StorageError(f"There is no free name in {path.parent}. Choose another folder.")


def write_beside_picture(
    path: Path, image: Image.Image, notes: PictureNotes, size: int, saving: Saving
) -> Path | None:
    """The text file and the JPG copy that the settings want; the text file's path, None without one."""
    if path.suffix.lower() not in (".jpg", ".jpeg") and is_large(image, size, saving):
        write_atomically(path.with_suffix(".jpg"), jpg_of_large(image, notes, saving))
    if not saving.save_txt or notes.infotext is None:
        return None
    text = path.with_suffix(".txt")
    write_atomically(text, f"{notes.infotext}\n".encode(errors="replace"))
    return text


def notes_of(texts: dict[str, object], section: str) -> PictureNotes:
    """Texts by section as they are written into a picture: `section` holds the infotext."""
    others = {str(key): str(value) for key, value in texts.items() if key != section and value is not None}
    infotext = texts.get(section)
    return PictureNotes(None if infotext is None else str(infotext), others, section)


def absolute(folder: str | os.PathLike[str], root: Path) -> Path:
    """A folder as A1111 takes it: relative ones hang in its own folder."""
    return root / Path(folder)
