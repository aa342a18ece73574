"""Names of A1111's that mean nothing here: they can be imported, and say a sentence when they are used."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

from webui.compat.a1111 import host
from webui.core.errors import NotOffered


class StandIn:
    """Has a name of A1111's; whatever is done with it raises NotOffered with the sentence."""

    def __init__(self, name: str, instead: str) -> None:
        """`name` is the whole name, as "modules.sd_models.x"; `instead` says what is there in its place."""
        self.__dict__["_name"], self.__dict__["_instead"] = name, instead

    def __bool__(self) -> bool:
        """False: code that asks whether there is such a thing is told the truth."""
        return False

    def __repr__(self) -> str:
        """Says that it stands for something."""
        return f"<stand-in for {self._name}>"

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        """Raises NotOffered."""
        refuse(self._name, self._instead)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of anything
        """Raises NotOffered, but for names that Python itself asks for."""
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(self.__dict__["_name"], self.__dict__["_instead"])

    def __setattr__(self, name: str, value: object) -> None:
        """Raises NotOffered."""
        refuse(self._name, self._instead)

    def __getitem__(self, key: object) -> NoReturn:
        """Raises NotOffered."""
        refuse(self._name, self._instead)

    def __iter__(self) -> Iterator[Any]:
        """Raises NotOffered."""
        refuse(self._name, self._instead)

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        """So that a class may be derived from it, which is of no use before it is made."""
        return (stand_in_class(self._name, self._instead),)


def stand_in_class(name: str, instead: str) -> type:
    """A class of a name of A1111's: it can be derived from and asked for in isinstance, but not made."""

    def refuse_instance(self: object, *args: object, **kwargs: object) -> NoReturn:
        refuse(name, instead)

    short = name.rpartition(".")[2]
    return type(
        short, (), {"__init__": refuse_instance, "__doc__": instead, "__module__": name.rpartition(".")[0]}
    )


def refuse(name: str, instead: str) -> NoReturn:
    """Raise NotOffered, and note for the health page which extension asked for the name."""
    note_missing(name)
    raise NotOffered(f"{name} of A1111 has no counterpart here. {instead}")


def note_missing(name: str) -> None:
    """Note a name with the extension whose code asks for it, if one does."""
    health = running_health()
    if health is None:
        return
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        record = health.of_file(frame.f_code.co_filename)
        if record is not None:
            record.missing.add(name)
            return
        frame = frame.f_back


def running_health() -> Any:  # noqa: ANN401 - HealthRecords, or None without a host
    """The health records of the host, None if none runs."""
    try:
        return host.current().health
    except RuntimeError:
        return None


def absent(module: str, name: str) -> NoReturn:
    """For a module's `__getattr__`: the name is none of A1111's. Raises AttributeError and notes it."""
    if not name.startswith("__"):
        note_missing(f"{module}.{name}")
    raise AttributeError(f"module {module!r} has no attribute {name!r}")
