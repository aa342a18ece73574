# pyright: basic
"""The same module by the name that it has in the community's folder."""

import sys

from lib_controlnet import global_state

sys.modules[__name__] = global_state
