# pyright: basic
"""`networks` of A1111's own Lora extension, by the place of its file: the same module."""

import sys

import networks
from networks import *  # noqa: F403

sys.modules[__name__] = networks
