"""A package of today as extensions of another time know it, under the names that it had."""

from types import ModuleType
from typing import Any


class OldModule(ModuleType):
    """A package for extensions' files. A class below gives what went; what is set here is theirs alone."""

    _today: Any

    def __init__(self, today: ModuleType) -> None:
        """Over the package as it is."""
        super().__init__(today.__name__, today.__doc__)
        self.__dict__["_today"] = today
        self.__dict__["__path__"] = today.__path__

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it has
        return getattr(self._today, name)

    def __dir__(self) -> list[str]:
        """Its names."""
        return dir(self._today)
