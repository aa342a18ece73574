"""The older name of `infotext_utils`: the very same module."""
# pyright: basic

import sys

from modules import infotext_utils

sys.modules[__name__] = infotext_utils
