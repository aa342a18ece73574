"""What extensions may install: anything that leaves the packages of the program itself as they are."""

import importlib.metadata
import importlib.util
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

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


def protected_versions() -> dict[str, str]:
    """Packages that must stay as they are, by their canonical names, with the versions they have."""
    names = {str(canonicalize_name(name)) for name in COMPANIONS}
    try:
        wanted = importlib.metadata.requires(PROGRAM_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        wanted = []
    for line in wanted:
        requirement = Requirement(line)
        if requirement.marker is None or "extra" not in str(requirement.marker):
            names.add(str(canonicalize_name(requirement.name)))
    versions = {name: installed_version(name) for name in sorted(names)}
    return {name: version for name, version in versions.items() if version is not None}


def constraints_text(versions: Mapping[str, str]) -> str:
    """The lines of a constraints file of pip's that keeps packages at their versions."""
    return "".join(f"{name}=={version}\n" for name, version in versions.items())


def pip_environment(constraints: Path, before: Mapping[str, str]) -> dict[str, str]:
    """The environment in which pip, and uv, keep to a constraints file and ask nobody anything."""
    return dict(before) | {
        "PIP_CONSTRAINT": str(constraints),
        "UV_CONSTRAINT": str(constraints),
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_PREFER_BINARY": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def describe_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What became of protected packages, as "numpy 2.1 is now 1.26"."""
    return [
        f"{name} {version} is {'now ' + after[name] if name in after else 'gone'}"
        for name, version in before.items()
        if after.get(name) != version
    ]


def package_named(word: str) -> str | None:
    """The canonical name of the package that a word of pip's asks for; None for another kind of word."""
    text = re.split(r"\s#|\s--", word.strip())[0].strip()
    try:
        return str(canonicalize_name(Requirement(text).name))
    except InvalidRequirement:
        return None


def is_kept(package: str, protected: Iterable[str]) -> bool:
    """Whether a package is here already and must stay as it is."""
    return STANDS_FOR.get(package, package) in protected


def keep_packages(words: Sequence[str], protected: Mapping[str, str]) -> tuple[list[str], list[str]]:
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
        name = package_named(word) if not word.startswith("-") else None
        if word in ("-r", "--requirement"):
            file, dropped = without_protected(Path(next(place, "")), protected)
            left += [word, str(file)]
            kept += dropped
            asks = True
        elif word in VALUED:
            left += [word, next(place, "")]
        elif name is not None and word not in VERBS and is_kept(name, protected):
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


def without_protected(file: Path, protected: Mapping[str, str]) -> tuple[Path, list[str]]:
    """A file of requirements without lines that ask for protected packages, and those lines.

    It is the file itself if there are none, or if it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return file, []
    names = [package_named(line) for line in lines]
    kept = [line for line, name in zip(lines, names, strict=True) if name and is_kept(name, protected)]
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
