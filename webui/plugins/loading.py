"""Finding and loading extensions: folders with a `plugin.py`, and installed packages."""

import importlib.metadata
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol, TypeVar, get_args

from pluggy import PluginValidationError
from pydantic import BaseModel

from webui.core.errors import WebuiError
from webui.core.sampling import ADDED
from webui.core.work.training_run import Method
from webui.plugins import specs
from webui.plugins.host import Plugins
from webui.plugins.importing import MOST_BYTES, PLUGIN, Raised, TimeIsUp, import_folder, run_within
from webui.plugins.offers import ExtensionOffers, WrongOffer, collect_offers

logger = logging.getLogger(__name__)
FOLDER = "extensions"
GROUP = "webui"
# Ample for what imports no large library.
IMPORT_LIMIT_S = 8.0
# All together; those that come later have what is left, and a moment at least.
TOTAL_LIMIT_S, LEAST_LIMIT_S = 20.0, 2.0
MOST_EXTENSIONS = 500
State = Literal["on", "switched off", "not loaded", "failed"]
Origin = Literal["shipped", "own", "package", "a1111"]


@dataclass(frozen=True, slots=True)
class FoundExtension:
    """An extension before it is loaded. `folder` is None for a package without one of its own."""

    name: str
    origin: Origin
    load: Callable[[], ModuleType]
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class ExtensionRecord:
    """What became of an extension. `error` is a sentence, `seconds` what its import took."""

    name: str
    origin: Origin
    folder: Path | None
    state: State
    error: str = ""
    seconds: float = 0.0
    failures: int = 0
    settings: type[BaseModel] | None = None


def trust_all(folder: Path) -> str:
    """No reason not to run the code in a folder."""
    return ""


@dataclass(frozen=True, slots=True)
class WantedExtensions:
    """Which extensions are wanted: none with `is_safe`, else those of `origins` that are not `disabled`.

    `explain_distrust` tells why the code in a folder is not run, "" if it may be.
    """

    is_safe: bool = False
    origins: Collection[Origin] = ("shipped", "own", "package")
    disabled: Collection[str] = ()
    explain_distrust: Callable[[Path], str] = trust_all

    def refusal(self, found: FoundExtension) -> tuple[State, str] | None:
        """Why one is not loaded; None if it is."""
        if self.is_safe or found.origin not in self.origins:
            return "not loaded", "The server was started without it."
        if found.name in self.disabled:
            return "switched off", ""
        distrust = self.explain_distrust(found.folder) if found.folder else ""
        return ("not loaded", distrust) if distrust else None


@dataclass(slots=True)
class Extensions:
    """All extensions and what they offer. Made once, before the page; `close` undoes what is known to all."""

    plugins: Plugins = field(default_factory=lambda: Plugins(specs))
    offers: dict[str, ExtensionOffers] = field(default_factory=dict[str, ExtensionOffers])
    _records: dict[str, ExtensionRecord] = field(default_factory=dict[str, ExtensionRecord])
    # Tell of extensions that others have loaded, and end what those do.
    _further_records: list[Callable[[], Iterable[ExtensionRecord]]] = field(
        default_factory=list[Callable[[], Iterable[ExtensionRecord]]]
    )
    _closers: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    def add_loader(
        self, records: Callable[[], Iterable[ExtensionRecord]], close: Callable[[], object] = lambda: None
    ) -> None:
        """Let another loader's extensions stand among these: `records` tells of them as they are now."""
        self._further_records.append(records)
        self._closers.append(close)

    def add_module(self, module: ModuleType, name: str) -> None:
        """Add a module of hooks that is no extension's. Raises WrongOffer, and what its hooks raise."""
        self._take(module, collect_offers(module, name, specs), name)

    def load(
        self, found: Iterable[FoundExtension], choice: WantedExtensions, limit_s: float = IMPORT_LIMIT_S
    ) -> None:
        """Load extensions in order; what goes wrong with one stands in its record."""
        ends = time.monotonic() + TOTAL_LIMIT_S
        for each in found:
            if each.name in self._records:
                logger.warning("There are two extensions named %s; the second is not used", each.name)
                continue
            refused = choice.refusal(each)
            if refused is not None:
                state, error = refused
                self._records[each.name] = ExtensionRecord(each.name, each.origin, each.folder, state, error)
                continue
            limit = min(limit_s, max(ends - time.monotonic(), LEAST_LIMIT_S))
            self._records[each.name] = self._load_one(each, limit)

    def _load_one(self, found: FoundExtension, limit_s: float) -> ExtensionRecord:
        record = ExtensionRecord(found.name, found.origin, found.folder, "failed")
        began = time.monotonic()
        try:
            module, offers = run_within(limit_s, partial(import_and_ask, found), found.folder)
            self._take(module, offers, found.name)
            record = replace(record, state="on", settings=offers.settings)
        except TimeIsUp:
            record = replace(record, error=too_slow(found.name, limit_s))
        except Raised as raised:
            record = replace(record, error=explain_failure(found.name, raised.error))
            logger.debug("The extension %s", found.name, exc_info=raised.error)
        except (WrongOffer, WebuiError, ValueError) as error:
            record = replace(record, error=explain_failure(found.name, error))
        seconds = time.monotonic() - began
        if record.error:
            logger.warning("%s", record.error)
        else:
            logger.debug("The extension %s in %.2f s", found.name, seconds)
        return replace(record, seconds=round(seconds, 3))

    def _take(self, module: ModuleType, offers: ExtensionOffers, name: str) -> None:
        """Add what an extension offers. Raises WrongOffer or InvalidRequest, and then nothing was added."""
        for part in offers.parts:
            if part.key in self.plugins.parts:
                raise WrongOffer(f"There is a request part with the key {part.key!r} already.")
        for script in offers.scripts:
            if script.title.strip().lower() in self.plugins.scripts:
                raise WrongOffer(f"There is a script with the title {script.title!r} already.")
        for trainable in offers.trainables:
            if trainable.name in self.plugins.trainables or trainable.name in get_args(Method):
                raise WrongOffer(f"There is a method of training named {trainable.name!r} already.")
        ADDED.add(offers.samplers, offers.schedules)
        self.plugins.register(module, name)
        self.plugins.parts |= {part.key: part for part in offers.parts}
        self.plugins.scripts |= {script.title.strip().lower(): script for script in offers.scripts}
        self.plugins.trainables |= {each.name: each for each in offers.trainables}
        if offers.settings is not None:
            self.plugins.settings[offers.settings] = name
        self.offers[name] = offers

    @property
    def records(self) -> list[ExtensionRecord]:
        """All, in the order in which they were loaded, as they are now."""
        off, failures = self.plugins.switched_off, self.plugins.failures
        own = [
            replace(
                each,
                state="failed" if each.name in off else each.state,
                error=off.get(each.name, each.error),
                failures=failures.get(each.name, 0),
            )
            for each in self._records.values()
        ]
        return [*own, *(each for records in self._further_records for each in records())]

    @property
    def problems(self) -> list[str]:
        """Sentences on those that failed."""
        return [each.error for each in self.records if each.state == "failed"]

    @property
    def is_on(self) -> Callable[[str], bool]:
        """Tells whether an extension runs, by name."""
        names = {each.name for each in self.records if each.state == "on"}
        return names.__contains__

    def close(self) -> None:
        """Take samplers and schedules away again, which the whole process knows, and close other loaders."""
        for close in self._closers:
            close()
        for offers in self.offers.values():
            ADDED.remove(offers.samplers, offers.schedules)


def import_and_ask(found: FoundExtension) -> tuple[ModuleType, ExtensionOffers]:
    """The module of an extension and what it offers."""
    module = found.load()
    return module, collect_offers(module, found.name, specs)


def too_slow(name: str, limit_s: float) -> str:
    """The sentence on an extension whose import was given up."""
    return (
        f"The extension {name!r} was not loaded: its import took longer than {limit_s:g} s. It should import "
        "large libraries, such as torch, within its functions."
    )


def explain_failure(name: str, error: BaseException) -> str:
    """The sentence on an extension that could not be loaded."""
    if isinstance(error, PluginValidationError):
        hooks = ", ".join(hook for hook in dir(specs) if hasattr(getattr(specs, hook), "webui_spec"))
        said = str(error).split(" in plugin ")[0]
        return f"The extension {name!r} was not loaded: {said}. The hooks are: {hooks}."
    if isinstance(error, WrongOffer | WebuiError):
        return f"The extension {name!r} was not loaded: {error}"
    if isinstance(error, SystemExit):
        return f"The extension {name!r} was not loaded: it wanted to end the program."
    return f"The extension {name!r} was not loaded ({type(error).__name__}: {error})."


def find_extensions(shipped: Path, own: Path) -> list[FoundExtension]:
    """Extensions in two folders, by name, and installed packages."""
    found = find_folders(shipped, "shipped")
    if own.resolve() != shipped.resolve():
        found += find_folders(own, "own")
    return [*found, *find_packages()]


class HasName(Protocol):
    """Whatever has a name."""

    @property
    def name(self) -> str:
        """What the page and settings call it."""
        ...


AnyNamed = TypeVar("AnyNamed", bound=HasName)


def in_order(found: Iterable[AnyNamed], order: Sequence[str]) -> list[AnyNamed]:
    """Those that are named first, in that order, then the others as they come."""
    places = {name: place for place, name in reversed(list(enumerate(order)))}
    return sorted(found, key=lambda each: places.get(each.name, len(order)))


def find_folders(home: Path, origin: Origin) -> list[FoundExtension]:
    """Folders that have a `plugin.py`, by name. Nothing else in them is looked at."""
    try:
        folders = sorted(each for each in home.iterdir() if not each.name.startswith((".", "_")))
    except OSError:
        return []
    found = [each for each in folders if (each / f"{PLUGIN}.py").is_file()][:MOST_EXTENSIONS]
    return [FoundExtension(each.name, origin, partial(load_folder, each, origin), each) for each in found]


def load_folder(folder: Path, origin: Origin) -> ModuleType:
    """The module of a folder. Raises WrongOffer for what cannot be one."""
    if "." in folder.name:
        raise WrongOffer("A folder's name must have no dot in it. Rename it.")
    size = (folder / f"{PLUGIN}.py").stat().st_size
    if size > MOST_BYTES:
        raise WrongOffer(f"Its {PLUGIN}.py has {size // 10**6} MB, which is no code.")
    # Shipped files do not change while the program runs.
    return import_folder(folder, fresh=origin != "shipped")


def find_packages() -> list[FoundExtension]:
    """Installed packages with an entry point in the group `webui`."""
    points = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name)
    return [FoundExtension(point.name, "package", point.load) for point in points]
