"""How long imports of an extension may take, all of them together, and each call while the page is built."""

from dataclasses import dataclass, field

# Ample for what imports a large library; what waits for another machine takes longer.
IMPORT_LIMIT_S = 60.0
# Of one call while the page is built: ample for a hundred components on a loaded machine.
START_LIMIT_S = 15.0
# Of a call for one component, of which there are thousands; less than those of a panel, in which they happen.
COMPONENT_LIMIT_S = 5.0
# Of one call when the program ends, which somebody waits for.
END_LIMIT_S = 3.0
# What an extension has left when its earlier scripts took all of the time.
LEAST_LIMIT_S = 1.0


class ImportTookTooLong(TimeoutError):
    """The imports of an extension were given up. The text is a sentence."""


@dataclass(slots=True)
class ImportLimits:
    """The time that each extension, by name, has spent importing. For one start, on one thread."""

    limit_s: float = IMPORT_LIMIT_S
    _spent: dict[str, float] = field(default_factory=dict[str, float])
    _given_up: set[str] = field(default_factory=set[str])

    def left(self, extension: str) -> float:
        """Seconds that an extension may still take. Raises ImportTookTooLong where it was given up before."""
        if extension in self._given_up:
            raise ImportTookTooLong(
                f"The extension {extension!r} was given up: an earlier import did not end."
            )
        return max(self.limit_s - self._spent.get(extension, 0.0), LEAST_LIMIT_S)

    def spend(self, extension: str, seconds: float) -> None:
        """Note what an import took."""
        self._spent[extension] = self._spent.get(extension, 0.0) + seconds

    def give_up(self, extension: str) -> ImportTookTooLong:
        """Import no more of an extension; what to raise about it."""
        self._given_up.add(extension)
        return ImportTookTooLong(
            f"The extension {extension!r} was given up: its imports took longer than {self.limit_s:g} s. "
            "It may be waiting for another machine: start it once with a network, or switch it off."
        )
