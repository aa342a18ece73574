"""The names of upscalers and face restorers, and the files behind them. Needs no torch."""

import difflib
import re
from collections.abc import Iterable

from webui.core.errors import ModelNotFound
from webui.core.model_file import ModelFile, ModelKind
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.model_names import strip_suffix

NONE, LANCZOS, NEAREST = "None", "Lanczos", "Nearest"
RESAMPLERS = (NONE, LANCZOS, NEAREST)
GFPGAN, CODEFORMER = "GFPGAN", "CodeFormer"
# What A1111 says of upscalers whose files do not tell.
DEFAULT_SCALE = 4
SCALE_IN_NAME = re.compile(r"(?<![0-9.])([1-8])x|x([1-8])(?![0-9.])", re.IGNORECASE)

# A1111 downloads these files and shows them by these names, which therefore stand in infotexts.
NAMES_OF_A1111 = {
    "ESRGAN": "ESRGAN_4x",
    "RealESRGAN_x4plus": "R-ESRGAN 4x+",
    "RealESRGAN_x4plus_anime_6B": "R-ESRGAN 4x+ Anime6B",
    "RealESRGAN_x2plus": "R-ESRGAN 2x+",
    "realesr-general-x4v3": "R-ESRGAN General 4xV3",
    "realesr-general-wdn-x4v3": "R-ESRGAN General WDN 4xV3",
    "realesr-animevideov3": "R-ESRGAN AnimeVideo",
    "DAT_x2": "DAT x2",
    "DAT_x3": "DAT x3",
    "DAT_x4": "DAT x4",
    "HAT_SRx4_ImageNet-pretrain": "HAT",
    "ScuNET": "ScuNET GAN",
    "scunet_color_real_gan": "ScuNET GAN",
    "scunet_color_real_psnr": "ScuNET PSNR",
    "SwinIR_4x": "SwinIR 4x",
    "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN": "SwinIR 4x",
}


def upscaler_names(catalog: Catalog) -> list[str]:
    """What pickers show: None, Lanczos, Nearest, then a name for each file and what extensions add."""
    return list(dict.fromkeys((*RESAMPLERS, *upscaler_files(catalog), *catalog.added.upscalers)))


def upscaler_files(catalog: Catalog) -> dict[str, ModelFile]:
    """Upscaler files by the names that pickers show: A1111's where it has one, else the file's.

    Of two files with one name, the second has its folder and suffix in its name.
    """
    files: dict[str, ModelFile] = {}
    for file in catalog.files(ModelKind.UPSCALER):
        name = NAMES_OF_A1111.get(file.stem, file.stem)
        files[file.name if name in files or name in RESAMPLERS else name] = file
    return files


def find_upscaler(catalog: Catalog, name: str) -> ModelFile | None:
    """The file of an upscaler's name; None for those that only resample, and those that extensions add.

    Looks at the folders again before it gives up. Raises ModelNotFound.
    """
    if name in RESAMPLERS:
        return None
    found = _of_name(upscaler_files(catalog), name)
    if found is None and name in catalog.added.upscalers:
        return None
    if found is None:
        catalog.scan()
        found = _of_name(upscaler_files(catalog), name)
    if found is None:
        raise ModelNotFound(unknown("upscaler", name, upscaler_names(catalog), "models/ESRGAN"))
    return found


def restorer_files(catalog: Catalog) -> dict[str, ModelFile]:
    """Face restorers by the names that pickers show: "CodeFormer" and "GFPGAN" are the first file of each."""
    files: dict[str, ModelFile] = {}
    for file in catalog.files(ModelKind.FACE_RESTORER):
        first_of_a1111s = file.architecture in (GFPGAN, CODEFORMER) and file.architecture not in files
        name = str(file.architecture) if first_of_a1111s else file.stem
        files[file.name if name in files else name] = file
    return files


def restorer_names(catalog: Catalog) -> list[str]:
    """CodeFormer and GFPGAN, whether their files are there or not, and whatever else there is."""
    names = (CODEFORMER, GFPGAN, *restorer_files(catalog), *catalog.added.restorers)
    return list(dict.fromkeys(names))


def find_restorer(catalog: Catalog, name: str) -> ModelFile | None:
    """The file of a face restorer's name; None for those that extensions add.

    Raises ModelNotFound, which says where the file goes.
    """
    found = _of_name(restorer_files(catalog), name)
    if found is None and name in catalog.added.restorers:
        return None
    if found is None:
        catalog.scan()
        found = _of_name(restorer_files(catalog), name)
    if found is not None:
        return found
    if name in (GFPGAN, CODEFORMER):
        place, file = {
            GFPGAN: ("models/GFPGAN", "GFPGANv1.4.pth"),
            CODEFORMER: ("models/Codeformer", "codeformer-v0.1.0.pth"),
        }[name]
        raise ModelNotFound(f"There is no {name} file to restore faces with. Put {file} into {place}.")
    raise ModelNotFound(unknown("face restorer", name, restorer_names(catalog), "models/GFPGAN"))


def scale_in_name(name: str) -> int:
    """How many times larger a name says the picture becomes: 2 for "DAT x2", 4 where it says nothing."""
    found = SCALE_IN_NAME.search(name)
    return int(found[1] or found[2]) if found else DEFAULT_SCALE


def unknown(noun: str, name: str, known: Iterable[str], folder: str) -> str:
    """The sentence on a name that nothing has."""
    names = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), list(names), n=1)
    hint = (
        f"Did you mean {names[close[0]]!r}?" if close else f"Put its file into {folder} and refresh the list."
    )
    return f"No {noun} is named {name!r}. {hint}"


def _of_name(files: dict[str, ModelFile], name: str) -> ModelFile | None:
    """A file by the name shown, or by its own."""
    if name in files:
        return files[name]
    wanted = name.lower()
    return next(
        (
            file
            for shown, file in files.items()
            if wanted in {shown.lower(), file.stem.lower(), file.name.lower(), strip_suffix(file).lower()}
        ),
        None,
    )
