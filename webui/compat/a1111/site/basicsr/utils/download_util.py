"""Files of models, fetched if they are not there."""
# pyright: basic

from pathlib import Path
from urllib.parse import urlparse

from webui.compat.a1111.facades import fetching, reaching
from webui.compat.a1111.facades.stand_ins import absent


def load_file_from_url(url, model_dir=None, progress=True, file_name=None):
    """The path of a file in a folder, by default that of models; it is fetched if it is not there."""
    name = file_name or Path(urlparse(url).path).name
    return str(fetching.fetch(url, Path(model_dir or reaching.models_folder()).absolute(), name))


def __getattr__(name):
    absent("basicsr.utils.download_util", name)
