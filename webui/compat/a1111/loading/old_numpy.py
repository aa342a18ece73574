"""numpy as extensions of numpy 1's time know it: with the names that numpy 2 took away.

Only their own files see it, and of those only the ones that use such a name. numpy itself stays as it is.
"""

import re
import sys
from functools import cache
from types import ModuleType
from typing import Any

from webui.compat.a1111.loading.old_module import OldModule

NUMPY = "numpy"
# Names that are gone, and what numpy says to use in their place: another name of its, or one of Python's own.
BUILTINS: dict[str, type] = {"float": float, "int": int, "object": object, "str": str, "complex": complex}
RENAMED = {
    "float_": "float64",
    "complex_": "complex128",
    "singlecomplex": "complex64",
    "cfloat": "complex128",
    "longfloat": "longdouble",
    "clongfloat": "clongdouble",
    "unicode_": "str_",
    "string_": "bytes_",
    "Inf": "inf",
    "Infinity": "inf",
    "infty": "inf",
    "PINF": "inf",
    "NaN": "nan",
    "product": "prod",
    "cumproduct": "cumprod",
    "alltrue": "all",
    "sometrue": "any",
    "round_": "round",
    "row_stack": "vstack",
    "in1d": "isin",
    "trapz": "trapezoid",
    "asfarray": "asarray",
}
IN_EXCEPTIONS = (
    "AxisError",
    "ComplexWarning",
    "ModuleDeprecationWarning",
    "TooHardError",
    "VisibleDeprecationWarning",
)
GONE = frozenset({*BUILTINS, *RENAMED, *IN_EXCEPTIONS, "NINF"})
_USE = re.compile(rf"\b(?:np|numpy)\s*\.\s*(?:{'|'.join(sorted(GONE))})\b|from\s+numpy\s+import\b")


def uses_old_names(source: str) -> bool:
    """Whether a file names anything that numpy has no more."""
    return bool(_USE.search(source))


class OldNumpy(OldModule):
    """numpy, with the names that are gone."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever numpy has
        numpy = self._today
        if name in BUILTINS:
            # numpy would warn before it says that there is none.
            return BUILTINS[name]
        if name not in GONE or name in vars(numpy):
            return getattr(numpy, name)
        if name in RENAMED:
            return getattr(numpy, RENAMED[name])
        return -numpy.inf if name == "NINF" else getattr(numpy.exceptions, name)

    def __dir__(self) -> list[str]:
        """numpy's names and those that are gone."""
        return sorted({*super().__dir__(), *GONE})


@cache
def old_numpy(numpy: ModuleType) -> ModuleType:
    """The module that stands for numpy in an extension's file."""
    return OldNumpy(numpy)


def with_old_names(module: ModuleType) -> ModuleType:
    """What an import statement gives such a file: numpy with its old names; other modules as they are."""
    return old_numpy(module) if module is sys.modules.get(NUMPY) else module
