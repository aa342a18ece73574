# pyright: basic
"""`ui_extra_networks_lora` of A1111's own Lora extension, by the place of its file: the same module."""

import sys

import ui_extra_networks_lora
from ui_extra_networks_lora import *  # noqa: F403

sys.modules[__name__] = ui_extra_networks_lora
