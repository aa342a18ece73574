"""What extensions take from basicsr that has nothing to do with its networks."""
# pyright: basic

from basicsr.utils import download_util  # noqa: F401
from webui.compat.a1111.facades.stand_ins import absent


def __getattr__(name):
    absent("basicsr.utils", name)
