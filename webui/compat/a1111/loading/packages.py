"""What extensions may install: anything that leaves the packages of the program itself as they are."""

import importlib.metadata
import importlib.util
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PROGRAM_PACKAGE = "atelier-webui"
# Besides what the program asks for itself: what those packages stand or fall with.
COMPANIONS = (
    "torch",
    "torchvision",
    "torchaudio",
    "gradio",
    "gradio-client",
    "numpy",
    "pillow",
    "transformers",
    "diffusers",
    "accelerate",
    "tokenizers",
    "safetensors",
    "huggingface-hub",
    "fastapi",
    "starlette",
    "uvicorn",
    "pydantic",
    "pydantic-core",
    "opencv-python-headless",
    "httpx",
    "spandrel",
)
# What builds packages is not needed while the program runs: pip takes what a package says it is built with.
FREE = frozenset({"pip", "setuptools", "wheel"})
# Packages that put other files in the place of an installed one's.
STANDS_FOR = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-python-headless",
    "opencv-contrib-python-headless": "opencv-python-headless",
}


def installed_version(package: str) -> str | None:
    """The version of an installed package, None if it is not there."""
    try:
        return importlib.metadata.version(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Protected:
    """Packages without which the program does not run, by their canonical names.

    `versions`: those that are installed. `limits`: those that it runs with: of what it is `built_on`
    the very ones, of what that needs in turn none older, and none that is too new for what needs it.
    """

    versions: Mapping[str, str]
    limits: Mapping[str, SpecifierSet]
    built_on: frozenset[str]

    def describe_changes(self) -> list[str]:
        """What of them the program does not run with any more, as "numpy 2.1 is now 1.26"."""
        told: list[str] = []
        for name, version in self.versions.items():
            now = installed_version(name)
            if now is None or not self.limits[name].contains(now, prereleases=True):
                told.append(f"{name} {version} is {'gone' if now is None else f'now {now}'}")
        return told

    def constraints_text(self) -> str:
        """The lines of a constraints file of pip's that keeps them.

        What puts its files in the place of one of them comes in the same version.
        """
        places = {name: self.limits[each] for name, each in STANDS_FOR.items() if each in self.limits}
        return "".join(f"{name}{limit}\n" for name, limit in {**self.limits, **places}.items())

    def keeps(self, word: str) -> bool:
        """Whether a word of pip's asks for one of them, which stays as it is.

        A newer one of what is only needed in turn may come.
        """
        wanted = requirement_in(word)
        if wanted is None:
            return False
        name = str(canonicalize_name(wanted.name))
        name = STANDS_FOR.get(name, name)
        return name in self.built_on or (
            name in self.versions and not asks_for_newer(wanted.specifier, self.versions[name])
        )


def find_protected() -> Protected:
    """The packages that the program is built on, and all that those need."""
    own = [each for each in needed_by(PROGRAM_PACKAGE, ()) if installed_version(each.name) is not None]
    own += [Requirement(name) for name in COMPANIONS if installed_version(name) is not None]
    built_on = frozenset(str(canonicalize_name(each.name)) for each in own)
    versions: dict[str, str] = {}
    limits: dict[str, SpecifierSet] = {}
    waiting, seen = own, set[tuple[str, frozenset[str]]]()
    while waiting:
        wanted = waiting.pop()
        name, extras = str(canonicalize_name(wanted.name)), frozenset(wanted.extras)
        version = installed_version(name)
        if version is None or name in FREE:
            continue
        if name not in limits:
            versions[name] = version
            limits[name] = SpecifierSet(f"{'==' if name in built_on else '>='}{version}")
        if name not in built_on and wanted.specifier.contains(version, prereleases=True):
            limits[name] &= wanted.specifier
        if (name, extras) not in seen:
            seen.add((name, extras))
            waiting += needed_by(name, extras)
    return Protected(dict(sorted(versions.items())), dict(sorted(limits.items())), built_on)


def needed_by(package: str, extras: Iterable[str]) -> list[Requirement]:
    """What an installed package needs here, with extras that were asked of it; nothing if it is not there."""
    try:
        lines = importlib.metadata.requires(package) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    found: list[Requirement] = []
    for line in lines:
        with suppress(InvalidRequirement):
            wanted = Requirement(line)
            marker = wanted.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                found.append(wanted)
    return found


def asks_for_newer(wanted: SpecifierSet, version: str) -> bool:
    """Whether a newer version of a package than this one is asked for."""
    return any(
        each.operator in (">=", ">", "==", "~=")
        and not each.version.endswith("*")
        and Version(each.version) > Version(version)
        for each in wanted
    )


def pip_environment(constraints: Path, before: Mapping[str, str]) -> dict[str, str]:
    """The environment in which pip, and uv, keep to a constraints file and ask nobody anything."""
    return dict(before) | {
        "PIP_CONSTRAINT": str(constraints),
        "UV_CONSTRAINT": str(constraints),
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


# With these pip and uv find nothing to install.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "UV_OFFLINE": "1", "UV_NO_INDEX": "1"}


def is_failed_build(told: str) -> bool:
    """Whether pip says that it could not build a package."""
    return any(
        each in told for each in ("Failed to build", "failed-wheel-build", "subprocess-exited-with-error")
    )


def requirement_in(word: str) -> Requirement | None:
    """What a word of pip's asks for; None for another kind of word."""
    try:
        return Requirement(re.split(r"\s#|\s--", word.strip())[0].strip())
    except InvalidRequirement:
        return None


def keep_packages(words: Sequence[str], protected: Protected) -> tuple[list[str], list[str]]:
    """The words of a call of pip's without those that ask for protected packages, and those words.

    Files of requirements are read, and replaced by copies without them. A call that has nothing left to do
    has no words left.
    """
    left: list[str] = []
    kept: list[str] = []
    is_uninstall = "uninstall" in words[:1]
    asks = False
    place = iter(words)
    for word in place:
        if word in ("-r", "--requirement"):
            file, dropped = without_protected(Path(next(place, "")), protected)
            left += [word, str(file)]
            kept += dropped
            asks = True
        elif word in VALUED:
            left += [word, next(place, "")]
        elif word not in VERBS and protected.keeps(word):
            kept.append(word)
        else:
            left.append(word)
            asks = asks or not (word.startswith("-") or word in VERBS)
    if kept and not asks:
        return [], kept
    return (left, kept) if not is_uninstall or asks else ([], kept)


VERBS = frozenset({"install", "uninstall", "download", "wheel"})
# Options of pip's with a value in the next word.
VALUED = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "-c"}
    | {"--constraint", "--only-binary", "--no-binary", "--root", "--src", "--timeout", "--retries"}
)


def without_protected(file: Path, protected: Protected) -> tuple[Path, list[str]]:
    """A file of requirements without lines that ask for protected packages, and those lines.

    It is the file itself if there are none, or if it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return file, []
    kept = [line for line in lines if protected.keeps(line)]
    if not kept:
        return file, []
    left = [line for line in lines if line not in kept]
    handle, copy = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=".txt", dir=writable_beside(file))
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write("\n".join(left) + "\n")
    return Path(copy), kept


def writable_beside(file: Path) -> Path | None:
    """The file's folder, so that what it names relatively is still found; None is the system's own."""
    return file.parent if os.access(file.parent, os.W_OK) else None


def is_installed(package: str) -> bool:
    """Whether a package, or a module, of a name is here. What comes in another package's place counts."""
    name = str(canonicalize_name(package))
    if installed_version(STANDS_FOR.get(name, name)) is not None:
        return True
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError, AttributeError):
        return False
