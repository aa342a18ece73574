"""Packages that A1111 brings along and that `site` has the names of."""

import importlib.util
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import InvalidRequirement, Requirement

from webui.compat.a1111.layout import SITE

# By the names under which they are installed.
STANDING_IN = {"k_diffusion": "k-diffusion"}


def stand_in_for_incomplete() -> None:
    """Let the names in `site` stand for an installed package that lacks what it imports itself.

    An installed one comes before them on the path; one whose import fails would take extensions along.
    """
    for name, distribution in STANDING_IN.items():
        if name not in sys.modules and lacks_something(distribution):
            add_package_of_site(name)


def lacks_something(distribution: str) -> bool:
    """Whether something that an installed package needs is not installed; False if it is not there itself."""
    try:
        needed = requires(distribution) or []
    except PackageNotFoundError:
        return False
    return any(not is_installed(each) for each in plain_names(needed))


def plain_names(requirements: Iterable[str]) -> list[str]:
    """Names of the packages that are needed here whatever extras are chosen."""
    found: list[str] = []
    for each in requirements:
        try:
            requirement = Requirement(each)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.append(requirement.name)
    return found


def is_installed(distribution: str) -> bool:
    """Whether a package is there, in whatever version."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def add_package_of_site(name: str) -> None:
    """Import a package from `site` under its own name."""
    folder = SITE / name
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
