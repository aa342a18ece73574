# pyright: basic
"""`lora` of A1111's own Lora extension, by the place of its file: the same module."""

import sys

import lora
from lora import *  # noqa: F403

sys.modules[__name__] = lora
