"""Where Gradio keeps the files of the page."""
# pyright: basic

from collections import namedtuple
from pathlib import Path

Savedfile = namedtuple("Savedfile", ["name"])


def _folder():
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder()).resolve()


def register_tmp_file(gradio_app, filename):
    """Note a file that the page may show; here the page learns of them from the events that give them."""


def check_tmp_file(gradio_app, filename):
    """Whether the page may show a file of its own."""
    return is_gradio_temp_path(filename)


def save_pil_to_file(self, pil_image, dir=None, format="png"):
    """Save a picture where the page can show it; one that was saved already is left where it is."""
    from gradio.processing_utils import save_pil_to_cache

    saved = str(getattr(pil_image, "already_saved_as", "") or "").partition("?")[0]
    if saved and Path(saved).is_file():
        return saved
    return save_pil_to_cache(pil_image, cache_dir=dir or str(_folder()), format=format)


def install_ui_tempdir_override():
    """Nothing to install: pictures that were saved are shown from their files."""


def on_tmpdir_changed():
    """The folder is chosen by the data folder."""


def cleanup_tmpdr():
    """The program removes what pages uploaded by itself."""


def is_gradio_temp_path(path):
    """Whether a path lies where the page keeps its files."""
    return Path(path).resolve().is_relative_to(_folder())
