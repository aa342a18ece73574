# pyright: basic
"""`network` of A1111's own Lora extension, by the place of its file: the same module."""

import sys

import network
from network import *  # noqa: F403

sys.modules[__name__] = network
