# pyright: basic
"""Files of models: found, fetched, loaded."""

import logging
import os
from pathlib import Path
from urllib.parse import urlparse

from modules.upscaler import Upscaler, UpscalerLanczos, UpscalerNearest, UpscalerNone
from webui.compat.a1111.facades import fetching, model_offers, reaching
from webui.compat.a1111.facades.stand_ins import absent

__all__ = ["Upscaler", "UpscalerLanczos", "UpscalerNearest", "UpscalerNone", "logging", "os", "urlparse"]

logger = logging.getLogger(__name__)


def load_file_from_url(url, *, model_dir, progress=True, file_name=None, hash_prefix=None):
    """The path of a file in a folder; it is fetched if it is not there. Raises FetchRefused."""
    name = file_name or Path(urlparse(url).path).name
    return str(fetching.fetch(url, Path(model_dir), name, hash_prefix))


def load_models(
    model_path, model_url=None, command_path=None, ext_filter=None, download_name=None, ext_blacklist=None,
    hash_prefix=None,
):  # fmt: skip
    """Files of models in two folders; where there are none, the one at the address is fetched."""
    folders = [folder for folder in (command_path, model_path) if folder]
    found = []
    for folder in dict.fromkeys(folders):
        files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
        found += [str(file) for file in files if is_wanted(file, ext_filter, ext_blacklist)]
    found = list(dict.fromkeys(found))
    if found or model_url is None:
        return found
    if download_name is None:
        return [model_url]
    return [
        load_file_from_url(model_url, model_dir=folders[0], file_name=download_name, hash_prefix=hash_prefix)
    ]


def is_wanted(file, ext_filter, ext_blacklist):
    kept = not ext_filter or file.suffix.lower() in ext_filter
    return kept and not any(str(file).endswith(each) for each in ext_blacklist or ())


def friendly_name(file):
    """The name of a file or an address, without folder and type."""
    path = urlparse(file).path if str(file).startswith("http") else str(file)
    return Path(path).stem


def load_upscalers() -> None:
    """List the upscalers again: ours and those of extensions, which then stand among ours."""
    from modules import shared

    shared.__dict__["sd_upscalers"] = model_offers.offer_upscalers()


def load_spandrel_model(path, *, device, prefer_half=False, dtype=None, expected_architecture=None):
    """A file's network as spandrel describes it, on a device. Raises UnusableFile."""
    return model_offers.load_descriptor(
        Path(path), device, half=prefer_half, dtype=dtype, expected=expected_architecture
    )


def cleanup_models() -> None:
    """Nothing to do: files stay where they are."""


def __getattr__(name):
    if name == "shared":
        from modules import shared

        return shared
    if name == "models_path":
        return str(reaching.models_folder())
    absent("modules.modelloader", name)
