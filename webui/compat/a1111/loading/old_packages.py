"""Packages as the extensions of their time know them: which of a file's imports lead to an older one."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from webui.compat.a1111.loading.late_signals import SIGNAL, late_signals, sets_signals
from webui.compat.a1111.loading.old_hub import HUB, old_hub, uses_old_hub
from webui.compat.a1111.loading.old_numpy import uses_old_names, with_old_names
from webui.compat.a1111.loading.old_pandas import PANDAS, makes_series, old_pandas
from webui.compat.a1111.loading.old_pydantic import (
    PYDANTIC,
    part_of_pydantic_1,
    pydantic_1,
    pydantic_over_2,
    which_is_wanted,
)
from webui.compat.a1111.loading.old_transformers import TRANSFORMERS, old_transformers, uses_old_classes


@dataclass(frozen=True, slots=True)
class OldPackages:
    """What a file is given other than what is installed.

    numpy with numpy 1's names, which pydantic, an older hub, signals that are set late, series of pandas 2,
    transformers of before 5.
    """

    numpy: bool = False
    pydantic: str = ""
    hub: bool = False
    signals: bool = False
    pandas: bool = False
    transformers: bool = False

    @classmethod
    def of(cls, source: str) -> "OldPackages":
        """Of a file's text."""
        return cls(
            "numpy" in source and uses_old_names(source),
            which_is_wanted(source) if PYDANTIC in source else "",
            uses_old_hub(source),
            SIGNAL in source and sets_signals(source),
            makes_series(source),
            uses_old_classes(source),
        )

    @classmethod
    def of_package(cls, source: str) -> "OldPackages":
        """Of the text of a file of an installed package, which chose its other packages itself."""
        return cls("numpy" in source and uses_old_names(source))

    def import_name(
        self, name: str, fromlist: Sequence[str] | None, find: Callable[[], ModuleType]
    ) -> ModuleType:
        """What an import statement of the file gives; `find` imports what is installed, or is its own."""
        if self.pydantic and (name == PYDANTIC or name.startswith(f"{PYDANTIC}.")):
            return self._pydantic(name, fromlist, find)
        module = find()
        if self.hub and module is sys.modules.get(HUB):
            return old_hub(module)
        if self.pandas and module is sys.modules.get(PANDAS):
            return old_pandas(module)
        if self.transformers and module is sys.modules.get(TRANSFORMERS):
            return old_transformers(module)
        if self.signals and module is sys.modules.get(SIGNAL):
            return late_signals
        return with_old_names(module) if self.numpy else module

    def _pydantic(
        self, name: str, fromlist: Sequence[str] | None, find: Callable[[], ModuleType]
    ) -> ModuleType:
        if self.pydantic == "1":
            module = part_of_pydantic_1(name)
            return find() if module is None else module if fromlist else pydantic_1()
        if name == PYDANTIC:
            return pydantic_over_2()
        module = find()
        return module if fromlist else pydantic_over_2()
