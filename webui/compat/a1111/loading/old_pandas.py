"""pandas as extensions of pandas 2's time know it: a series takes whatever is put into it.

Since pandas 3 a series of numbers refuses a text; before, it became one of any values. Only files of
extensions that make series themselves see it.
"""

import re
from functools import cache
from types import ModuleType
from typing import Any

from webui.compat.a1111.loading.old_module import OldModule

PANDAS = "pandas"
_USE = re.compile(r"\bSeries\s*\(")


def makes_series(source: str) -> bool:
    """Whether a file makes series of pandas."""
    return PANDAS in source and bool(_USE.search(source))


@cache
def old_series(series: Any) -> type:  # noqa: ANN401 - pandas' class
    """The class that stands for `pandas.Series` in an extension's file."""

    class AnySeries(type):
        """Every series is one of these."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, series)

    class OldSeries(series, metaclass=AnySeries):
        """A series that becomes one of any values where one is put in that does not fit."""

        @property
        def _constructor(self) -> type:
            return OldSeries

        def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401 - as pandas'
            try:
                super().__setitem__(key, value)
            except TypeError:
                if self.dtype == object:
                    raise
                self._mgr = self.astype(object)._mgr
                super().__setitem__(key, value)

        def interpolate(self, *values: Any, **given: Any) -> Any:  # noqa: ANN401 - as pandas'
            """Numbers that stand in a series of any values too, which pandas 3 refuses."""
            if self.dtype == object and not self.isna().any():
                return self.copy()
            known = super() if self.dtype != object else series(self.astype(float))
            return known.interpolate(*values, **given)

    return OldSeries


class OldPandas(OldModule):
    """pandas, with such series."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever pandas has
        return old_series(self._today.Series) if name == "Series" else super().__getattr__(name)


@cache
def old_pandas(pandas: ModuleType) -> ModuleType:
    """The module that stands for pandas in an extension's file."""
    return OldPandas(pandas)
