"""What was found in an extension's code, for the person who is asked for consent."""

from typing import Literal

from pydantic import BaseModel

CodeKind = Literal[
    "network", "programs", "deletion", "dynamic", "hidden", "secrets", "routes", "patches", "native", "unread"
]
# In the order of the page; each with its sentence.
SENTENCES: dict[CodeKind, str] = {
    "hidden": "Hides what it calls: names are put together while it runs.",
    "secrets": "Names files or variables where passwords and keys lie.",
    "dynamic": "Runs code that is made or loaded while it runs (eval, exec, pickle).",
    "programs": "Starts other programs.",
    "deletion": "Deletes files or folders.",
    "native": "Brings programs or libraries that cannot be read.",
    "network": "Talks to other machines.",
    "patches": "Replaces parts of this program or of libraries.",
    "routes": "Adds addresses to this server.",
    "unread": "Has files that could not be read, so nobody knows what they do.",
}
# What should be read before it is accepted.
SERIOUS: frozenset[CodeKind] = frozenset(
    {"hidden", "secrets", "dynamic", "programs", "deletion", "native", "unread"}
)


class CodePlace(BaseModel, frozen=True):
    """Where something was found: a file, a line (0: the file itself), and what stands there."""

    file: str
    line: int
    what: str


class KindFound(BaseModel):
    """All places of one kind; of many only the first are listed."""

    kind: CodeKind
    sentence: str
    is_serious: bool
    count: int
    places: list[CodePlace]


class WantedPackage(BaseModel, frozen=True):
    """A package that is installed: `wanted` is the line as written, `remark` what is odd about it."""

    name: str
    wanted: str
    file: str
    line: int
    remark: str = ""


class CodeReport(BaseModel):
    """What an extension's code does, as far as it can be read."""

    found: list[KindFound] = []
    packages: list[WantedPackage] = []
    hosts: list[str] = []
    python_files: int = 0
    script_files: int = 0
    other_files: int = 0
    is_whole: bool = True

    @property
    def kinds(self) -> dict[str, int]:
        """How many places there are of each kind."""
        return {each.kind: each.count for each in self.found}
