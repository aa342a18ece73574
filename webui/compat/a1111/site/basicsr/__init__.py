"""basicsr, which A1111 brought along until 1.7: extensions fetch files with it.

The package itself, where it is installed, comes before this one.
"""
# pyright: basic

from basicsr import utils  # noqa: F401
from webui.compat.a1111.facades.stand_ins import absent


def __getattr__(name):
    absent("basicsr", name)
