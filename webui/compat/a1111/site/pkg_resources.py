"""What `install.py` files ask of setuptools' old `pkg_resources`, which newer versions have no more of.

Where the real one is installed, it is used.
"""

import importlib.machinery
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import packaging.specifiers
import packaging.version  # noqa: F401 - "from pkg_resources import packaging", and its parts
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_HERE = str(Path(__file__).parent)


class ResolutionError(Exception):
    """What is asked for is not here."""


class DistributionNotFound(ResolutionError):
    """A package is not installed."""


class VersionConflict(ResolutionError):
    """A package is installed in another version."""


class Distribution:
    """An installed package."""

    def __init__(self, found):
        self.project_name = found.metadata["Name"]
        self.key = str(canonicalize_name(self.project_name))
        self.version = found.version
        self.location = str(found.locate_file(""))

    @property
    def parsed_version(self):
        return Version(self.version)

    def __repr__(self):
        return f"{self.project_name} {self.version}"


def parse_version(text):
    return Version(text)


def get_distribution(name):
    """An installed package. Raises DistributionNotFound or VersionConflict."""
    requirement = Requirement(name)
    try:
        found = Distribution(importlib.metadata.distribution(requirement.name))
    except importlib.metadata.PackageNotFoundError:
        raise DistributionNotFound(f"The package {requirement.name} is not installed.") from None
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise VersionConflict(f"{found} is installed, and {requirement} is asked for.")
    return found


def parse_requirements(lines):
    """Requirements, one a line."""
    for line in lines.splitlines() if isinstance(lines, str) else lines:
        text = line.split(" #")[0].strip()
        if text and not text.startswith(("#", "-")):
            yield Requirement(text)


def require(*requirements):
    """Installed packages. Raises as `get_distribution`."""
    names = [name for each in requirements for name in ([each] if isinstance(each, str) else each)]
    return [get_distribution(name) for name in names]


class _WorkingSet:
    """All installed packages."""

    def __iter__(self):
        return (Distribution(each) for each in importlib.metadata.distributions() if each.metadata["Name"])

    @property
    def by_key(self):
        return {each.key: each for each in self}

    def require(self, *requirements):
        return require(*requirements)


working_set = _WorkingSet()


def resource_filename(package, name):
    """The path of a file in a package."""
    spec = importlib.util.find_spec(package if isinstance(package, str) else package.__name__)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=str(package))
    return str(Path(spec.origin).parent / name)


def _use_real_one():
    """Let the installed module, if there is one, take this one's place."""
    elsewhere = [each for each in sys.path if each != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("pkg_resources", elsewhere)
    if spec is None or spec.loader is None:
        return
    real = importlib.util.module_from_spec(spec)
    sys.modules["pkg_resources"] = real
    spec.loader.exec_module(real)


if __name__ == "pkg_resources":
    _use_real_one()
