"""The host of extensions: holds them, calls their hooks in order, and keeps their mistakes to themselves."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

import pluggy
from pydantic import BaseModel, JsonValue

from webui.core.errors import ScriptNotFound, WebuiError
from webui.core.events import Event
from webui.core.lack_of_memory import is_lack_of_memory
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.plugins.importing import Raised, TimeIsUp, run_within
from webui.plugins.parts import RequestPart
from webui.plugins.titles import plain_title, title_beside
from webui.plugins.trainables import AddedTrainable

logger = logging.getLogger(__name__)
Value = TypeVar("Value")
AnyModel = TypeVar("AnyModel", bound=BaseModel)
PROJECT = "webui"
# Takes a sentence for the artist.
Tell = Callable[[str], None]
MOST_FAILURES = 3
# What a hook of the start may take; ample for a hundred components on a loaded machine.
START_LIMIT_S = 15.0
# All of one kind together; those that come later have what is left, and a moment at least.
TOTAL_LIMIT_S, LEAST_LIMIT_S = 30.0, 2.0


class Titled(Protocol):
    """A script, as far as it is known here: see `webui.plugins.scripts.Script`."""

    title: str
    part: type[RequestPart]

    def run(self, request: GenerationRequest, context: Any, /) -> Generator[Event]:  # noqa: ANN401 - a Context
        """Tell what happens."""
        ...


def tell_nobody(text: str) -> None:
    """Where there is no job to tell: the log has it."""


class Plugins:
    """All extensions that run. Hooks may be called on any thread."""

    def __init__(self, specs: ModuleType | None = None, start_limit_s: float = START_LIMIT_S) -> None:
        """`specs` is what has the specifications of the hooks; without it, no extension can be added.

        `start_limit_s` is for hooks of the start and the end, by which an extension could hold all.
        """
        self.start_limit_s = start_limit_s
        self._manager = pluggy.PluginManager(PROJECT)
        if specs is not None:
            self._manager.add_hookspecs(specs)
        # Request parts by key, scripts by their titles in small letters.
        self.parts: dict[str, type[RequestPart]] = {}
        self.scripts: dict[str, Titled] = {}
        # Methods of training by their names.
        self.trainables: dict[str, AddedTrainable] = {}
        # Models of extensions' own settings, and whose they are.
        self.settings: dict[type[BaseModel], str] = {}
        self._failures: Counter[str] = Counter()
        self._off: dict[str, str] = {}
        self._lock = threading.Lock()

    def register(self, plugin: object, name: str) -> None:
        """Add an extension: a module, or an object with methods, that has functions marked `@hookimpl`.

        Later ones are called later. Raises pluggy's errors for a hook that there is none of.
        """
        self._manager.register(plugin, name)
        self._manager.check_pending()

    def unregister(self, name: str) -> None:
        """Take an extension away."""
        self._manager.unregister(name=name)

    @property
    def names(self) -> list[str]:
        """Of all extensions, those that are off too."""
        return [name for name, _ in self._manager.list_name_plugin()]

    @property
    def switched_off(self) -> dict[str, str]:
        """Extensions that failed too often, and how."""
        return dict(self._off)

    @property
    def failures(self) -> dict[str, int]:
        """How often each extension failed, of those that did."""
        with self._lock:
            return dict(self._failures)

    @property
    def community_titles(self) -> frozenset[str]:
        """The titles of scripts of community extensions, in small letters."""
        found = self.call("describe_scripts")
        return frozenset(str(each.get("name") or "").lower() for scripts in found for each in scripts)

    def has_namesake(self, *titles: str) -> bool:
        """Whether a community extension brings a script of one of these names."""
        others = self.community_titles
        return any(title_beside(title, others) != title for title in titles)

    def script(self, title: str) -> Titled:
        """The script of a title. Raises ScriptNotFound."""
        found = self.scripts.get(plain_title(title))
        if found is None:
            known = ", ".join(each.title for each in self.scripts.values()) or "none"
            raise ScriptNotFound(f"There is no script named {title!r}. Those here are: {known}.")
        return found

    def settings_of(self, model: type[AnyModel], settings: Settings) -> AnyModel:
        """An extension's own settings, of the model that it registered."""
        name = self.settings.get(model)
        if name is None:
            raise LookupError(f"No extension registered {model.__name__} as its settings.")
        return settings.extension(model, name)

    def check_extras(self, extras: Mapping[str, Any], script: str = "") -> dict[str, JsonValue]:
        """The values of those parts that do something, checked by them; those of scripts that are not chosen,
        and of extensions that are not here, are left out. Raises InvalidRequest.
        """
        chosen = self.script(script).part if script else None
        checked: dict[str, JsonValue] = {}
        for key, values in extras.items():
            kind = self.parts.get(key)
            if kind is None or (kind.is_script and kind is not chosen):
                continue
            part = kind.read(values)
            if part.is_active or kind.is_script:
                checked[key] = part.model_dump(mode="json")
        return checked

    def describe_unknown(self, extras: Iterable[str]) -> list[str]:
        """A sentence on parts of extensions that are not here; none where all are."""
        unknown = [key[:60] for key in extras if key not in self.parts]
        if not unknown:
            return []
        return [f"There is no extension here for {', '.join(unknown[:8])}: this was done without it."]

    def read_infotext(self, fields: Mapping[str, str]) -> dict[str, JsonValue]:
        """The values of those parts that the keys of an infotext tell of.

        A part whose name a community extension's script has too leaves its keys, which are the same, to it.
        """
        found: dict[str, JsonValue] = {}
        others = self.community_titles
        for key, kind in self.parts.items():
            name = kind.alwayson_name or kind.title
            if title_beside(name, others) != name:
                continue
            try:
                part = kind.from_infotext(fields)
            except Exception as error:
                logger.warning("The part %s cannot read an infotext", key, exc_info=error)
                continue
            if part is not None:
                found[key] = part.model_dump(mode="json")
        return found

    def infotext_keys(self, found: Mapping[str, JsonValue]) -> set[str]:
        """The keys of an infotext from which `read_infotext` took these values."""
        return {name for key, values in found.items() for name in self.parts[key].read(values).to_infotext()}

    def place_in_series(self, request: GenerationRequest, number: int) -> GenerationRequest:
        """The request for file `number`, from 0, of a series of many. Raises InvalidRequest."""
        for kind in self.parts.values():
            part = kind.of(request)
            if part is not None and (placed := part.in_series(number)) != part:
                request = placed.put_into(request)
        return request

    def infotext_entries(self, request: GenerationRequest) -> dict[str, str]:
        """What the infotext says of extensions' parts of a request."""
        entries: dict[str, str] = {}
        for part in self.parts.values():
            if not part.is_script and (own := part.of(request)) is not None:
                entries |= own.to_infotext()
        return entries

    def uses(self, hook: str) -> bool:
        """Whether any extension has this hook."""
        return bool(self._implementations(hook))

    def call(self, hook: str, tell: Tell = tell_nobody, **given: object) -> list[Any]:
        """Call a hook of all extensions in order; what they returned, without Nones."""
        results = [self._call_one(each, hook, tell, given) for each in self._implementations(hook)]
        return [result for result in results if result is not None]

    def collect(self, hook: str, tell: Tell = tell_nobody, **given: object) -> list[tuple[str, Any]]:
        """As `call`, each result with the name of its extension."""
        pairs = [
            (each.plugin_name, self._call_one(each, hook, tell, given))
            for each in self._implementations(hook)
        ]
        return [(name, result) for name, result in pairs if result is not None]

    def call_in_time(self, hook: str, **given: object) -> list[tuple[str, Any]]:
        """As `collect`, for hooks of the start and the end: whatever one does, the program goes on.

        Each has a thread of its own and a time limit. One that does not end is off from then on.
        """
        ends = time.monotonic() + max(TOTAL_LIMIT_S, self.start_limit_s)
        pairs: list[tuple[str, Any]] = []
        for each in self._implementations(hook):
            limit = min(self.start_limit_s, max(ends - time.monotonic(), LEAST_LIMIT_S))
            function, values = each.function, [given[name] for name in each.argnames]
            result = self.attempt(each.plugin_name, hook, partial(function, *values), limit)
            pairs += [] if result is None else [(each.plugin_name, result)]
        return pairs

    def attempt(
        self, name: str, what: str, function: Callable[[], Value], limit_s: float | None = None
    ) -> Value | None:
        """What a function of an extension gives; None if it failed, or did not end in time."""
        limit = self.start_limit_s if limit_s is None else limit_s
        try:
            return run_within(limit, function, folder_of(self._manager.get_plugin(name)))
        except TimeIsUp:
            sentence = (
                f"The extension {name!r} did not come back from {what} within {limit:g} s. "
                "It is off until the server starts again."
            )
            logger.warning("%s", sentence)
            with self._lock:
                self._failures[name] += 1
                self._off[name] = sentence
        except Raised as raised:
            self._note_failure(name, what, raised.error)
        return None

    def change(
        self,
        hook: str,
        value: Value,
        tell: Tell = tell_nobody,
        *,
        name: str,
        check: Callable[[Value], object] | None = None,
        **given: object,
    ) -> Value:
        """Let each extension replace a value, that its argument `name` gets; the last one.

        What `check` raises for counts as a failure of the extension, and its value is not taken.
        """
        for each in self._implementations(hook):
            changed = self._call_one(each, hook, tell, given | {name: value}, check)
            value = value if changed is None else changed
        return value

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        caller = getattr(self._manager.hook, hook, None)
        found: list[pluggy.HookImpl] = getattr(caller, "get_hookimpls", list)()
        return [each for each in ordered(found) if each.plugin_name not in self._off] if found else []

    def _call_one(
        self,
        each: pluggy.HookImpl,
        hook: str,
        tell: Tell,
        given: dict[str, Any],
        check: Callable[[Any], object] | None = None,
    ) -> Any:  # noqa: ANN401 - what the hook returns
        try:
            result = each.function(*(given[name] for name in each.argnames))
            if check is not None and result is not None:
                check(result)
            return result
        except WebuiError:
            raise
        except Exception as error:
            if is_lack_of_memory(error):
                raise
            tell(self._note_failure(each.plugin_name, hook, error))
            return None

    def _note_failure(self, name: str, hook: str, error: BaseException) -> str:
        """Count a failure; the sentence about it."""
        logger.warning("The extension %s failed in %s", name, hook, exc_info=error)
        sentence = f"The extension {name!r} failed in {hook} ({type(error).__name__}: {error})."
        with self._lock:
            self._failures[name] += 1
            if self._failures[name] < MOST_FAILURES:
                return f"{sentence} This was done without it; the server's log has the details."
            self._off[name] = sentence
        return f"{sentence} It is off until the server starts again, as it failed {MOST_FAILURES} times."


def folder_of(plugin: object) -> Path | None:
    """Where an extension's code lies; None for an object that is no module."""
    file = getattr(plugin, "__file__", None)
    return Path(file).parent if isinstance(file, str) else None


def ordered(implementations: list[pluggy.HookImpl]) -> list[pluggy.HookImpl]:
    """Marked to come first, then the others, then those marked to come last; within each as registered."""
    return sorted(implementations, key=lambda each: (not each.tryfirst, each.trylast))
