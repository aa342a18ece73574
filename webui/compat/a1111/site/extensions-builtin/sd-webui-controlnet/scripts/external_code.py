# pyright: basic
"""The same module by the name that it has in the community's folder."""

import sys

from lib_controlnet import external_code

sys.modules[__name__] = external_code
