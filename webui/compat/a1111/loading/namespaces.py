"""Two extensions with modules of one name: each imports its own.

A1111 puts every extension's folder on `sys.path`, so `from scripts.api import x` finds the module that was
imported first, whosever it is. Here the first extension with a name has it as in A1111. A later one has its
own modules of that name below a package of its own, and the import statements in its files lead there, when
they run within functions long after the start too: each of its modules has its own `__import__`. Nothing
global is replaced.
"""

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from webui.compat.a1111.layout import SITE
from webui.compat.a1111.loading.old_packages import OldPackages
from webui.compat.a1111.loading.packages import COMPANIONS
from webui.plugins.community import CommunityFolder

PREFIX = "a1111_extension_"
SCRIPTS = "scripts"


def offered_names(folder: Path) -> set[str]:
    """What an extension's files can be imported as: "lib_x", "utils", "scripts.api".

    Only names of two parts count below `scripts`, which all extensions share.
    """
    names = {name for name in names_in(folder) if name != SCRIPTS}
    return names | {f"{SCRIPTS}.{name}" for name in names_in(folder / SCRIPTS)}


def names_in(folder: Path) -> set[str]:
    """Modules and packages that lie in a folder: `.py` files, and folders that have some."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return set()
    files = {each.stem for each in entries if each.suffix == ".py" and each.is_file()}
    folders = {each.name for each in entries if each.is_dir() and has_code(each)}
    return {name for name in files | folders if name.isidentifier()}


def has_code(folder: Path) -> bool:
    """Whether modules lie in a folder."""
    try:
        return any(each.suffix == ".py" for each in folder.iterdir())
    except OSError:
        return False


def clashing_names(folders: Sequence[CommunityFolder]) -> dict[str, frozenset[str]]:
    """For each extension, by name, those of its modules' names that an earlier extension has too.

    Names of the host's own (`modules`, `launch` …) are nobody's: those are the host's for all, as in A1111.
    """
    taken: set[str] = set()
    hosts = names_in(SITE) | {f"{SCRIPTS}.{name}" for name in names_in(SITE / SCRIPTS)}
    found: dict[str, frozenset[str]] = {}
    for each in folders:
        offered = offered_names(each.folder) - hosts - NEVER_IMPORTED
        found[each.name] = frozenset(offered & taken)
        taken |= offered
    return found


# Run by the host alone, by their paths.
NEVER_IMPORTED = frozenset({"__init__", "install", "preload", "setup"})


@dataclass(slots=True)
class OwnModules:
    """The modules of one extension whose names an earlier one has too."""

    folder: Path
    package: str
    names: frozenset[str]
    # What its files find as Python's own functions, by the older packages that they are given.
    builtins: dict[OldPackages, dict[str, Any]]

    @classmethod
    def of(cls, extension: CommunityFolder, names: frozenset[str], number: int) -> "OwnModules":
        """Make the package that they are in."""
        package = ModuleType(f"{PREFIX}{number}")
        package.__path__ = [str(extension.folder)]
        sys.modules[package.__name__] = package
        return cls(extension.folder, package.__name__, names, {})

    def own_name(self, name: str) -> str | None:
        """The full name of this extension's own module of a name; None for one that it shares with all."""
        parts = name.split(".")
        if ".".join(parts[:2]) in self.names or parts[0] in self.names:
            return f"{self.package}.{name}"
        return None

    def import_name(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """`__import__` in the files of this extension."""
        full = name
        if level > 0:
            package = str((globals or {}).get("__package__") or "")
            full = importlib.util.resolve_name("." * level + name, package)
            if not full.startswith(f"{self.package}."):
                return builtins.__import__(name, globals, locals, fromlist or (), level)
            full = full.removeprefix(f"{self.package}.")
        if full == SCRIPTS and fromlist:
            return self.import_from_scripts(fromlist)
        own = self.own_name(full)
        if own is None and not (full == SCRIPTS and self.has_scripts):
            return builtins.__import__(full, globals, locals, fromlist or (), 0)
        module = importlib.import_module(own or f"{self.package}.{SCRIPTS}")
        if fromlist:
            for each in fromlist:
                self.import_member(module, each)
            return module
        return self.top_of(full)

    def import_old(
        self,
        old: OldPackages,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """The same in files that are given older packages."""

        def find() -> ModuleType:
            return self.import_name(name, globals, locals, fromlist, level)

        return find() if level else old.import_name(name, fromlist, find)

    def import_member(self, module: ModuleType, name: str) -> None:
        """`from module import name`, where the name may be that of a module in it."""
        if name != "*" and not hasattr(module, name) and hasattr(module, "__path__"):
            try:
                importlib.import_module(f"{module.__name__}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{module.__name__}.{name}":
                    raise

    def import_from_scripts(self, names: Sequence[str]) -> ModuleType:
        """What `from scripts import a, b` takes its names from."""
        shown = ModuleType(SCRIPTS)
        for each in names:
            own = self.own_name(f"{SCRIPTS}.{each}")
            if own is not None:
                setattr(shown, each, importlib.import_module(own))
            elif each != "*":
                shared = builtins.__import__(SCRIPTS, None, None, (each,), 0)
                if hasattr(shared, each):
                    setattr(shown, each, getattr(shared, each))
        return shown

    def top_of(self, full: str) -> ModuleType:
        """What `import a.b` binds: `a`, in which `b` is the own one and all else what all share."""
        top = full.partition(".")[0]
        module = sys.modules[f"{self.package}.{top}"]
        if top == SCRIPTS:
            vars(module).setdefault("__getattr__", self.read_script)
        return module

    @property
    def has_scripts(self) -> bool:
        """Whether any of its own modules lie among its scripts."""
        return any(name.startswith(f"{SCRIPTS}.") for name in self.names)

    def read_script(self, name: str) -> ModuleType:
        """A module among scripts, its own or one that all share. Raises AttributeError."""
        full = f"{SCRIPTS}.{name}"
        try:
            return importlib.import_module(self.own_name(full) or full)
        except ModuleNotFoundError:
            raise AttributeError(f"module {SCRIPTS!r} has no attribute {name!r}") from None

    def adopt(self, module: ModuleType, file: Path) -> None:
        """Let the imports in a module, which is not run yet, lead to this extension's own modules."""
        old = OldPackages.of(read_source(file))
        if old == OldPackages() and not self.names:
            return
        if old not in self.builtins:
            finding = self.import_name if old == OldPackages() else partial(self.import_old, old)
            self.builtins[old] = {**vars(builtins), "__import__": finding}
        vars(module)["__builtins__"] = self.builtins[old]


def read_source(file: Path) -> str:
    """The text of a module's file; empty where it cannot be read, which its import will tell."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


class AdoptingLoader(SourceFileLoader):
    """Loads a file of an extension."""

    def __init__(self, fullname: str, path: str, own: OwnModules) -> None:
        super().__init__(fullname, path)
        self.own = own

    def exec_module(self, module: ModuleType) -> None:
        """Run the file."""
        self.own.adopt(module, Path(self.path))
        super().exec_module(module)


class PackageLoader(SourceFileLoader):
    """Loads a file of a package that an extension brought, or of another that is not the program's."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the file, with numpy 1's names if it uses any."""
        # Thousands of files are imported: nearly all of them say nothing of numpy.
        says_numpy = b"numpy" in self.get_data(self.path)
        old = OldPackages.of_package(read_source(Path(self.path)) if says_numpy else "")
        if old != OldPackages():
            vars(module)["__builtins__"] = {**vars(builtins), "__import__": partial(import_for_package, old)}
        super().exec_module(module)


def import_for_package(
    old: OldPackages,
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` in the files of a package that is given older packages."""

    def find() -> ModuleType:
        return builtins.__import__(name, globals, locals, fromlist or (), level)

    return find() if level else old.import_name(name, fromlist, find)


class OwnModulesFinder(MetaPathFinder):
    """Finds modules in the folders of extensions. One for a start."""

    def __init__(self, owners: Sequence[OwnModules]) -> None:
        self.owners = owners
        # What the program is built on is of its own time.
        self.of_today = {each.replace("-", "_") for each in (*COMPANIONS, "PIL", "cv2", "scipy", "webui")}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As Python finds it; files of extensions are loaded so that they import their own modules."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
            return spec
        own = self.owner_of(Path(spec.origin))
        if own is not None:
            spec.loader = AdoptingLoader(fullname, spec.origin, own)
        elif "-packages" in spec.origin and fullname.partition(".")[0] not in self.of_today:
            spec.loader = PackageLoader(fullname, spec.origin)
        return spec

    def prepare(self, file: Path, module: ModuleType) -> None:
        """Do the same for a module that is made without being found."""
        own = self.owner_of(file)
        if own is not None:
            own.adopt(module, file)

    def owner_of(self, file: Path) -> OwnModules | None:
        """The extension that a file belongs to."""
        return next((each for each in self.owners if file.is_relative_to(each.folder)), None)


def separate_names(folders: Sequence[CommunityFolder]) -> OwnModulesFinder | None:
    """Let extensions whose modules have names that clash import their own. None where there are none.

    Files that are written for older packages (numpy 1, pydantic 1) import those.
    """
    clashes = clashing_names(folders)
    owners = [OwnModules.of(each, clashes[each.name], number) for number, each in enumerate(folders)]
    if not owners:
        return None
    finder = OwnModulesFinder(owners)
    # In the place of Python's own, which it asks.
    place = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
    sys.meta_path.insert(place, finder)
    return finder
