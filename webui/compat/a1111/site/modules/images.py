# pyright: basic
"""Pictures: saved under A1111's names, read, resized, laid out as grids."""

import math
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from webui.compat.a1111.facades import reaching, saving
from webui.compat.a1111.facades.legends import GridAnnotation, draw_annotations, draw_prompt_matrix, load_font
from webui.compat.a1111.facades.naming import facts_of, next_sequence_number
from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.facades.tiles import Grid, combine_grid, split_grid
from webui.core.errors import WebuiError
from webui.core.readable import readable
from webui.pipelines.img2img.resize import flatten, resize
from webui.store.pictures.filenames import Naming, Nothing, expand, sanitise
from webui.store.pictures.grid import grid_of, grid_rows
from webui.store.reading import open_image, read_infotext

__all__ = [
    "LANCZOS",
    "NOTHING_AND_SKIP_PREVIOUS_TEXT",
    "FilenameGenerator",
    "Grid",
    "GridAnnotation",
    "Image",
    "ImageDraw",
    "ImageFont",
    "combine_grid",
    "draw_grid_annotations",
    "draw_prompt_matrix",
    "flatten",
    "get_font",
    "get_next_sequence_number",
    "get_sampler_scheduler",
    "get_sampler_scheduler_str",
    "get_scheduler_str",
    "image_data",
    "image_grid",
    "math",
    "np",
    "read",
    "read_info_from_image",
    "resize_image",
    "sanitize_filename_part",
    "save_image",
    "save_image_with_geninfo",
    "split_grid",
]  # fmt: skip

LANCZOS = Image.Resampling.LANCZOS
NEAREST = Image.Resampling.NEAREST
NOTHING_AND_SKIP_PREVIOUS_TEXT = Nothing.AND_SKIP_PREVIOUS_TEXT
invalid_filename_chars = '#<>:"/\\|?*\n\r\t'
invalid_filename_prefix = " "
invalid_filename_postfix = " ."
max_filename_part_length = 128
RESIZE_MODES = ("Just resize", "Crop and resize", "Resize and fill", "Just resize")
GridTuple = namedtuple("GridTuple", ["tiles", "tile_w", "tile_h", "image_w", "image_h", "overlap"])

get_next_sequence_number = next_sequence_number


def get_font(fontsize):
    """The bundled font in a size."""
    return load_font(fontsize)


def image_grid(imgs, batch_size=1, rows=None):
    """One sheet of all pictures, as many rows as the settings say; extensions may change its shape."""
    from modules import script_callbacks

    count = len(imgs)
    n_rows = rows or grid_rows(count, reaching.settings().saving.n_rows, batch_size)
    params = script_callbacks.ImageGridLoopParams(imgs, math.ceil(count / n_rows), n_rows)
    script_callbacks.image_grid_callback(params)
    pictures = list(params.imgs)
    sizes = [each.size for each in pictures]
    return grid_of(sizes, pictures, params.rows, "black", columns=params.cols)


def draw_grid_annotations(im, width, height, hor_texts, ver_texts, margin=0):
    """A grid with texts above its columns and beside its rows."""
    return draw_annotations(im, width, height, hor_texts, ver_texts, margin)


def resize_image(resize_mode, im, width, height, upscaler_name=None):
    """To a size: 0 stretched, 1 cut to cover, 2 fitted in with its edges drawn out. Upscalers by name."""
    from modules import shared, upscaler

    name = upscaler_name or getattr(shared.opts, "upscaler_for_img2img", None)

    def enlarge(image, scale, named):
        found = upscaler.find(named)
        return found.scaler.upscale(image, scale, found.data_path) if found.scaler else image

    mode = RESIZE_MODES[int(resize_mode)] if 0 <= int(resize_mode) < len(RESIZE_MODES) else RESIZE_MODES[0]
    return resize(im, int(width), int(height), mode, name or "None", enlarge)


def sanitize_filename_part(text, replace_spaces=True):
    """One part of a file's name, without what file systems refuse; None stays."""
    return None if text is None else sanitise(str(text), replace_spaces=replace_spaces)


def get_scheduler_str(sampler_name, scheduler_name):
    """The schedule that runs where "Automatic" is chosen, as file names have it."""
    return split_sampler(sampler_name, scheduler_name)[1]


def get_sampler_scheduler_str(sampler_name, scheduler_name):
    """Sampler and schedule."""
    return " ".join(split_sampler(sampler_name, scheduler_name))


def get_sampler_scheduler(p, sampler):
    """The sampler's and schedule's names of a processing object; nothing to say without."""
    if hasattr(p, "scheduler") and hasattr(p, "sampler_name"):
        both = split_sampler(p.sampler_name, p.scheduler)
        return sanitize_filename_part(" ".join(both) if sampler else both[1], replace_spaces=False)
    return NOTHING_AND_SKIP_PREVIOUS_TEXT


def split_sampler(sampler_name, scheduler_name):
    from webui.core.sampling import effective_schedule

    return sampler_name, effective_schedule(sampler_name, scheduler_name).capitalize()


class FilenameGenerator:
    """What patterns such as "[seed]-[prompt]" give for a picture."""

    def __init__(self, p, seed, prompt, image, zip=False, basename=""):
        self.p, self.seed, self.prompt, self.image = p, seed, prompt, image
        self.zip, self.basename = zip, basename

    @property
    def _naming(self):
        options = reaching.settings().saving
        facts = facts_of(self.p, self.seed, self.prompt)
        return Naming(facts, self.image, options.directories_max_prompt_words, self.zip)

    def apply(self, x):
        """The pattern with its tokens replaced; unknown ones stay."""
        given = x.replace("[basename]", self.basename) if self.basename else x
        return expand(given, self._naming)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        absent("modules.images.FilenameGenerator", name)


def save_image(
    image, path, basename, seed=None, prompt=None, extension="png", info=None, short_filename=False,
    no_prompt=False, grid=False, pnginfo_section_name="parameters", p=None, existing_info=None,
    forced_filename=None, suffix="", save_to_dirs=None,
):  # fmt: skip
    """Save a picture under A1111's names; its path and its text file's (None without one)."""
    from modules import script_callbacks

    options = reaching.settings().saving
    extension = saving.usable_extension(image, extension)
    facts = facts_of(p, seed, prompt)
    if save_to_dirs is None:
        save_to_dirs = (grid and options.grid_save_to_dirs) or (
            not grid and options.save_to_dirs and not no_prompt
        )
    folder = saving.absolute(path, reaching.root())
    if save_to_dirs:
        folder = saving.folder_below(folder, facts, image, options)
    wanted = None
    if forced_filename is None:
        wanted = saving.wanted_name(
            folder, basename or "", facts, image, options, short=short_filename, suffix=suffix or ""
        )
        proposed = wanted.next_free(extension)
    else:
        proposed = folder / f"{forced_filename}.{extension}"
    texts = dict(existing_info or {})
    if info is not None:
        texts[pnginfo_section_name] = info
    # Extensions look for other files there before the picture is written.
    proposed.parent.mkdir(parents=True, exist_ok=True)
    params = script_callbacks.ImageSaveParams(image, p, str(proposed), texts)
    script_callbacks.before_image_saved_callback(params)
    return write_picture(params, wanted if params.filename == str(proposed) else None, pnginfo_section_name)


def write_picture(params, wanted, section):
    """Write what extensions made of a picture, and tell them."""
    from modules import script_callbacks

    options = reaching.settings().saving
    target = Path(params.filename)
    notes = saving.notes_of(params.pnginfo, section)
    data = saving.encode_picture(params.image, target.suffix.removeprefix(".") or "png", notes, options)
    is_numbered = wanted is not None and wanted.is_numbered
    written = saving.publish(target, data, wanted if is_numbered else None, options)
    text = saving.write_beside_picture(written, params.image, notes, len(data), options)
    params.image.already_saved_as = str(written)
    params.filename = str(written)
    script_callbacks.image_saved_callback(params)
    return str(written), str(text) if text else None


def save_image_with_geninfo(
    image, geninfo, filename, extension=None, existing_pnginfo=None, pnginfo_section_name="parameters"
):
    """Write a picture with its infotext to exactly a path."""
    target = Path(filename)
    texts = dict(existing_pnginfo or {})
    if geninfo is not None:
        texts[pnginfo_section_name] = geninfo
    kind = (extension or target.suffix).removeprefix(".") or "png"
    notes = saving.notes_of(texts, pnginfo_section_name)
    data = saving.encode_picture(image, kind, notes, reaching.settings().saving)
    saving.write_atomically(target, data)


def read_info_from_image(image: Image.Image) -> tuple[str | None, dict]:
    """The infotext of a picture, None if it has none, and its other texts."""
    from webui.store.reading import collect_texts
    from webui.store.texts.hidden_text import read_hidden_text

    filename = getattr(image, "filename", "")
    # An opened file tells more than Pillow read of it: the text file beside, and texts after the pixels.
    if filename and Path(filename).is_file():
        try:
            found = read_infotext(Path(filename))
            return found.infotext, dict(found.items)
        except WebuiError:
            pass
    found = collect_texts(image, None)
    return found.infotext or read_hidden_text(image), dict(found.items)


def image_data(data):
    """The infotext of an uploaded file, and None; a text file is its own."""
    try:
        with open_image(data) as image:
            return read_info_from_image(image)[0], None
    except WebuiError:
        pass
    try:
        return readable(data.decode("utf8")), None
    except UnicodeDecodeError:
        return "", None


def read(fp, **kwargs):
    """A picture, turned as its EXIF says."""
    from PIL import ImageOps

    image = Image.open(fp, **kwargs)
    turned = ImageOps.exif_transpose(image)
    return turned if turned is not None else image


def fix_image(image):
    """A picture turned as its EXIF says, with a palette's transparency kept."""
    from PIL import ImageOps

    if image is None:
        return None
    turned = ImageOps.exif_transpose(image)
    return turned.convert("RGBA") if turned.mode == "P" and "transparency" in turned.info else turned


def fix_png_transparency(image):
    return image.convert("RGBA") if image.mode not in ("RGB", "P") or "transparency" in image.info else image


def get_sampler_name(sampler_name, scheduler_name=None):
    return get_sampler_scheduler_str(sampler_name, scheduler_name or "Automatic")


def __getattr__(name) -> Any:
    if name in ("opts", "shared", "script_callbacks", "errors", "state"):
        import importlib

        module = importlib.import_module("modules.shared" if name in ("opts", "state") else f"modules.{name}")
        return getattr(module, name) if name in ("opts", "state") else module
    if name == "roboto_ttf_file":
        from modules.paths_internal import roboto_ttf_file

        return roboto_ttf_file
    absent("modules.images", name)
