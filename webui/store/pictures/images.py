"""Pictures on disk: in A1111's folders, under its names, each file written whole or not at all."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from webui.core.errors import StorageError
from webui.core.settings import Folders, PictureFormat, Saving
from webui.store.files.atomic import storage_errors, write_atomically, write_new, write_through
from webui.store.pictures.filenames import NameFacts, Naming, file_name, folder_parts, name_part
from webui.store.pictures.numbering import Numbering, add_number
from webui.store.texts.encoding import PictureNotes, encode_as_set, fits, infotext_fits

Tab = Literal["txt2img", "img2img", "extras"]
BYTES_PER_MB = 1024 * 1024
# A number is taken only if another program wrote the same name in the same instant.
ATTEMPTS = 100
LAST_INFOTEXT = "params.txt"
GRID = "grid"


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """Where a picture and what belongs to it lie. `warning` is a sentence if something was done otherwise."""

    path: Path
    text_path: Path | None = None
    jpg_copy: Path | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class NumberedName:
    """What a file will be called: folder, the name before the number and the name after it."""

    folder: Path
    basename: str
    decoration: str
    # The name is used as is, without a number before it.
    is_named: bool = False


def picture_folder(folders: Folders, tab: Tab, *, grid: bool = False) -> str:
    """The folder of a tab's pictures or grids, as the settings say."""
    if grid:
        return folders.outdir_grids or (
            folders.outdir_img2img_grids if tab == "img2img" else folders.outdir_txt2img_grids
        )
    own = {
        "txt2img": folders.outdir_txt2img_samples,
        "img2img": folders.outdir_img2img_samples,
        "extras": folders.outdir_extras_samples,
    }
    return folders.outdir_samples or own[tab]


class ImageFiles:
    """Saves pictures. One for all threads: it remembers the last number of each folder."""

    def __init__(self, root: Path) -> None:
        """`root` is where relative folders of the settings hang."""
        self._root = root
        self._numbering = Numbering()

    def folder(self, folder: str | Path) -> Path:
        """A folder of the settings as a path."""
        return self._root / folder

    def save(
        self,
        image: Image.Image,
        notes: PictureNotes,
        facts: NameFacts,
        saving: Saving,
        folder: str | Path,
        *,
        in_subfolder: bool | None = None,
        name: str | None = None,
        suffix: str = "",
    ) -> SavedPicture:
        """Save a picture; `in_subfolder` overrides the setting, `name` (without type) pattern and number.

        A file of that name stays: the new one then gets a number too. `suffix` ends what the pattern gives,
        as in "-mask". Raises StorageError.
        """
        naming = Naming(facts, image, saving.directories_max_prompt_words)
        wanted = saving.save_to_dirs if in_subfolder is None else in_subfolder
        decoration = "" if facts.seed is None else file_name(naming_pattern(saving), naming)
        decoration = decoration + suffix if decoration else suffix.lstrip("-")
        target = self._subfolder(folder, saving, naming) if wanted else self.folder(folder)
        place = (
            NumberedName(target, "", decoration)
            if name is None
            else NumberedName(target, "", name, is_named=True)
        )
        return self._write(image, notes, saving, saving.samples_format, place)

    def save_grid(
        self,
        image: Image.Image,
        notes: PictureNotes,
        facts: NameFacts,
        saving: Saving,
        folder: str | Path,
        name: str = "",
    ) -> SavedPicture:
        """Save a sheet of pictures as grid-0000; a script's as NAME-0000-SEED. Raises StorageError."""
        naming = Naming(facts, image, saving.directories_max_prompt_words)
        target = self._subfolder(folder, saving, naming) if saving.grid_save_to_dirs else self.folder(folder)
        is_plain = name in ("", GRID) or facts.seed is None
        decoration = "" if is_plain else file_name(naming_pattern(saving), naming)
        place = NumberedName(target, name or GRID, decoration)
        return self._write(image, notes, saving, saving.grid_format, place)

    def remember_last(self, infotext: str) -> None:
        """Keep the infotext in A1111's params.txt, where programs beside look for it."""
        write_atomically(self._root / LAST_INFOTEXT, infotext.encode(errors="replace"))

    def _subfolder(self, folder: str | Path, saving: Saving, naming: Naming) -> Path:
        pattern = saving.directories_filename_pattern or "[prompt_words]"
        target = self.folder(folder).joinpath(*folder_parts(pattern, naming))
        with storage_errors(target):
            if not target.resolve().is_relative_to(self.folder(folder).resolve()):
                raise StorageError(f"{target} is a link that leads elsewhere. Choose another folder pattern.")
        return target

    def _write(
        self,
        image: Image.Image,
        notes: PictureNotes,
        saving: Saving,
        wanted: PictureFormat,
        place: NumberedName,
    ) -> SavedPicture:
        image_format = wanted if fits(image, wanted) else "png"
        warnings = (
            []
            if image_format == wanted
            else [f"The picture is too large for {wanted}, so it was saved as png."]
        )
        data = encode_infotext_or_not(image, image_format, notes, saving)
        path = self._publish(data, place, image_format, saving)
        text_path = jpg_copy = None
        with_text = saving.save_txt
        if saving.enable_pnginfo and not infotext_fits(notes.infotext, image_format):
            warnings.append(
                "The infotext is too long for jpg, so it was saved as a text file beside the picture."
            )
            with_text = True
        if notes.caption:
            text_path = write_caption(path.with_suffix(".txt"), notes.caption, warnings)
        elif with_text and notes.infotext is not None:
            text_path = path.with_suffix(".txt")
            write_atomically(text_path, f"{notes.infotext}\n".encode(errors="replace"))
        if image_format != "jpg" and is_large(image, len(data), saving):
            try:
                jpg_copy = write_new(path.with_suffix(".jpg"), jpg_of_large(image, notes, saving))
            except StorageError as error:
                warnings.append(str(error))
        return SavedPicture(path, text_path, jpg_copy, " ".join(warnings) or None)

    def _publish(self, data: bytes, place: NumberedName, suffix: str, saving: Saving) -> Path:
        if place.is_named:
            return write_new(place.folder / f"{make_usable_name(place.decoration)}.{suffix}", data)
        if not saving.save_images_add_number and place.decoration:
            path = place.folder / f"{place.decoration}.{suffix}"
            if saving.save_images_replace_action == "Replace":
                write_atomically(path, data)
                return path
            return write_new(path, data)
        dash = "-" if place.decoration else ""
        return self._publish_numbered(
            data,
            place,
            lambda number: f"{add_number(place.basename, number)}{dash}{place.decoration}.{suffix}",
        )

    def _publish_numbered(self, data: bytes, place: NumberedName, name: Callable[[int], str]) -> Path:
        with storage_errors(place.folder):
            place.folder.mkdir(parents=True, exist_ok=True)
            for _ in range(ATTEMPTS):
                with self._numbering.reserved(place.folder, place.basename) as reservation:
                    with reservation.marker.open("r+b") as file:
                        write_through(file.fileno(), data)
                    path = place.folder / name(reservation.number)
                    if self._numbering.publish(reservation, path, place.basename):
                        return path
        raise StorageError(
            f"Cannot find a free number in {place.folder}: other programs take them. Try again."
        )


def write_caption(path: Path, caption: str, warnings: list[str]) -> Path | None:
    """Write a caption file, unless there is one that somebody else wrote. Raises StorageError."""
    if path.exists():
        warnings.append(f"{path.name} was there already and stays as it is, so the caption was not written.")
        return None
    write_atomically(path, f"{caption}\n".encode(errors="replace"))
    return path


def naming_pattern(saving: Saving) -> str:
    """How files are called. A1111's default: by the prompt too, unless folders sort the pictures."""
    return saving.samples_filename_pattern or ("[seed]" if saving.save_to_dirs else "[seed]-[prompt_spaces]")


def make_usable_name(name: str) -> str:
    """A name from elsewhere, without what file systems refuse."""
    return name_part(re.sub(r"[/\\]", "_", name)) or "picture"


def encode_infotext_or_not(
    image: Image.Image, image_format: PictureFormat, notes: PictureNotes, saving: Saving
) -> bytes:
    """The file's bytes, without the infotext where the format cannot hold one of that length."""
    if not infotext_fits(notes.infotext, image_format):
        notes = PictureNotes(None, notes.items)
    return encode_as_set(image, image_format, notes, saving)


def is_large(image: Image.Image, size_bytes: int, saving: Saving) -> bool:
    """Whether a copy as JPG is wanted (`export_for_4chan`)."""
    oversize = max(image.size) > saving.target_side_length
    return saving.export_for_4chan and (
        oversize or size_bytes > saving.img_downscale_threshold * BYTES_PER_MB
    )


def jpg_of_large(image: Image.Image, notes: PictureNotes, saving: Saving) -> bytes:
    """The picture as JPG, its longer side brought down to the limit of the settings."""
    longest = max(image.size)
    if longest > saving.target_side_length:
        width, height = (max(1, round(side * saving.target_side_length / longest)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return encode_infotext_or_not(image, "jpg", notes, saving)
