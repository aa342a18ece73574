"""A1111's `opts`: our settings, A1111's others and those of extensions, as attributes of one object."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.compat.a1111.host import current
from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.native_options import (
    as_list,
    further_defaults,
    native_infos,
    native_keys,
    native_values,
)
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.settings import Settings
from webui.plugins.controls import FurtherOptions
from webui.store.files.atomic import write_atomically

if TYPE_CHECKING:
    from webui.compat.a1111.page.option_info import OptionInfo
    from webui.core.request import GenerationRequest
    from webui.store.settings_file import SettingsFile

logger = logging.getLogger(__name__)
DEFAULTS = Settings()
NOT_SET = object()


class SharedOptions:
    """Options by attribute, as extensions read and write them. In a run, on its thread, they are the run's.

    `opts.key = value` holds in memory, as A1111's; `set`, the Settings tab and `save` keep values in
    settings.json. A key that nobody knows raises AttributeError. Reads see changes of the settings at once.
    """

    typemap: dict[type, type] = {int: float}  # noqa: RUF012 - A1111's

    def __init__(self, data_labels: dict[str, OptionInfo], restricted_opts: Iterable[str] = ()) -> None:
        keep = super().__setattr__
        keep("data_labels", data_labels)
        keep("restricted_opts", set(restricted_opts))
        keep("_values", {key: as_own(value) for key, value in further_defaults().items()})
        keep("_native", {})
        keep("_others", {})
        keep("_seen", None)
        keep("_is_quiet", False)

    if TYPE_CHECKING:
        data_labels: dict[str, OptionInfo]
        restricted_opts: set[str]
        _values: dict[str, Any]
        _native: dict[str, Any]
        _others: dict[str, Any]
        _seen: object
        _is_quiet: bool

    @property
    def data(self) -> dict[str, Any]:
        """All values by key; what is written into it holds in memory."""
        host = current()
        file = settings_file()
        run = host.runs.innermost if host.runs.is_in_job else None
        settings = run.context.settings if run else file.current if file else DEFAULTS
        now = (settings, file.others if file else {}, run.request if run else None)
        seen = self._seen
        if not (isinstance(seen, tuple) and all(a is b for a, b in zip(seen, now, strict=True))):
            super().__setattr__("_seen", now)
            self._take("_native", native_values(settings, host) | (values_of_run(run.request) if run else {}))
            if not self._native["sd_model_checkpoint"]:
                # Looked up again next time: there may be one by then.
                super().__setattr__("_seen", None)
            self._take("_others", {key: value for key, value in now[1].items() if key not in self._native})
        return self._values

    def _take(self, name: str, values: dict[str, Any]) -> None:
        """Values that the settings have now; where they did not change, what was written here stays."""
        before: dict[str, Any] = getattr(self, name)
        for key, value in values.items():
            if before.get(key, NOT_SET) != value:
                self._values[key] = as_own(value)
        super().__setattr__(name, values)

    def __getattr__(self, item: str) -> Any:  # noqa: ANN401 - whatever the option holds
        if item.startswith("__"):
            raise AttributeError(item)
        values = self.data
        if item in values:
            return values[item]
        if item in self.data_labels:
            return self.data_labels[item].default
        raise AttributeError(f"There is no setting {item!r}.")

    def __setattr__(self, key: str, value: Any) -> None:  # noqa: ANN401 - as above
        if key in self.data or key in self.data_labels:
            info = self.data_labels.get(key)
            if info is None or not info.do_not_save:
                self.data[key] = value
            return
        super().__setattr__(key, value)

    def set(self, key: str, value: Any, is_api: bool = False, run_callbacks: bool = True) -> bool:  # noqa: ANN401 - A1111's
        """Set an option and keep it. Gives whether it changed; one that is refused stays as it was."""
        info = self.data_labels.get(key)
        before = self.data.get(key, info.default if info else None)
        if before == value or info is None or info.do_not_save or (is_api and info.restrict_api):
            return False
        try:
            with self._quiet(not run_callbacks):
                keep_values({key: value})
        except WebuiError as error:
            logger.warning("The setting %s was not changed: %s", key, error)
            return False
        self.data[key] = value
        return True

    @contextmanager
    def _quiet(self, is_quiet: bool) -> Generator[None]:
        """Within it, changes are not told to extensions."""
        super().__setattr__("_is_quiet", is_quiet)
        try:
            yield
        finally:
            super().__setattr__("_is_quiet", False)

    def tell_changes(self, keys: Iterable[str]) -> None:
        """Tell extensions that settings changed; for `SettingsFile.listen`."""
        for key in [] if self._is_quiet else keys:
            self.run_onchange(key)

    def run_onchange(self, key: str) -> None:
        """Tell the extension that a setting changed, if it wants to know."""
        info = self.data_labels.get(key)
        if info is not None and info.onchange is not None:
            function = info.onchange
            call_extension(file_of(function), f"onchange of {key}", function)

    def get_default(self, key: str) -> Any:  # noqa: ANN401 - as above
        """The default of an option; None for one that nobody knows."""
        info = self.data_labels.get(key)
        return info.default if info is not None else further_defaults().get(key)

    def onchange(self, key: str, func: Callable[[], Any], call: bool = True) -> None:
        """Have a function called when an option changes, and at once unless `call` is False."""
        info = self.data_labels.get(key)
        if info is not None:
            info.onchange = func
        if call:
            func()

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Add a setting of an extension. A value that was kept for it before holds."""
        self.data_labels[key] = info
        if key not in self.data and not info.do_not_save:
            self.data[key] = as_own(info.default)

    def reorder(self) -> None:
        """Nothing: the Settings tab orders sections as they come."""

    def save(self, filename: str | None = None) -> None:
        """Keep what was written since: in settings.json, or as JSON in another file."""
        file = settings_file()
        if filename and (file is None or Path(filename).resolve() != file.path.resolve()):
            write_atomically(Path(filename), self.dumpjson().encode())
            return
        changed = self.unsaved()
        for key, value in changed.items():
            try:
                keep_values({key: value})
            except WebuiError as error:
                logger.warning("The setting %s was not kept: %s", key, error)

    def load(self, filename: str) -> None:
        """Take values from a JSON file, in memory. Raises OSError or ValueError."""
        found = json.loads(Path(filename).read_text(encoding="utf-8"))
        self.data.update(found)

    def unsaved(self) -> dict[str, Any]:
        """What was written in memory and differs from what is kept."""
        values, kept = self.data, self._native | self._others
        return {
            key: value
            for key, value in values.items()
            if value != kept.get(key, self.get_default(key))
            and not (key in self.data_labels and self.data_labels[key].do_not_save)
        }

    def overridden(self) -> dict[str, Any]:
        """Our settings that an extension wrote in memory, by key: they hold for what it makes itself."""
        values = self.data
        return {key: values[key] for key, value in self._native.items() if values.get(key, value) != value}

    def same_type(self, x: object, y: object) -> bool:
        """Whether two values are of one kind; None is of any."""
        if x is None or y is None:
            return True
        kinds = [self.typemap.get(type(each), type(each)) for each in (x, y)]
        return kinds[0] == kinds[1]

    def cast_value(self, key: str, value: Any) -> Any:  # noqa: ANN401 - as above
        """A value as the option's default has it: numbers and switches out of an infotext's words."""
        default = self.get_default(key)
        if value is None or default is None:
            return None if value is None else value
        if isinstance(default, bool) and isinstance(value, str):
            return value.lower() not in ("false", "0", "")
        return type(default)(value) if isinstance(default, bool | int | float | str) else value

    def dumpjson(self) -> str:
        """All values as JSON, for scripts in the page."""
        values = {key: self.data.get(key, info.default) for key, info in self.data_labels.items()}
        values = self.data | {key: value for key, value in values.items() if key not in self.data}
        return json.dumps(values, default=str)


def values_of_run(request: GenerationRequest) -> dict[str, Any]:
    """The settings that a run has its own values of, by A1111's keys: its `override_settings`, above all."""
    found: dict[str, Any] = {
        key: as_list(getattr(request.options, name))
        for key, (section, name) in Settings.keys().items()
        if section == "image" and key in native_keys()
    }
    return found | ({"sd_model_checkpoint": request.model} if request.model else {}) | {"sd_vae": request.vae}


def added_options(opts: SharedOptions) -> dict[str, OptionInfo]:
    """The settings that extensions added, by key, in their order."""
    known = native_infos()
    added = {key: info for key, info in opts.data_labels.items() if key not in known}
    return added | {key: info for key, info in opts.data_labels.items() if known.get(key) is not info}


def options_for_api(opts: SharedOptions) -> FurtherOptions:
    """The settings that extensions added, as A1111's API reads and changes them."""
    added = {key: info for key, info in added_options(opts).items() if not info.do_not_save}

    def keep(values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            default = added[key].default
            if not opts.same_type(value, default):
                raise InvalidRequest(
                    f"The option {key} takes {kind_of(default)}, and {kind_of(value)} was given. "
                    "Give a value as GET /sdapi/v1/options shows it."
                )
        keep_values(values)

    fixed = frozenset(key for key, info in added.items() if info.restrict_api)
    return FurtherOptions({key: getattr(opts, key) for key in added}, keep, fixed)


def kind_of(value: object) -> str:
    """What kind of value it is, in JSON's words."""
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}
    return kinds.get(type(value), "an object")


def settings_file() -> SettingsFile | None:
    """Where settings are kept; None until the program is built."""
    services = current().services
    return services.settings if services is not None else None


def keep_values(values: Mapping[str, Any]) -> None:
    """Keep options in settings.json: ours checked, the others as they are. Raises WebuiError."""
    file = settings_file()
    if file is None:
        return
    own = {key: value for key, value in values.items() if key in native_keys()}
    others = {key: value for key, value in values.items() if key not in own}
    if own:
        file.change(own)
    if others:
        file.keep_others(others)


def as_own(value: Any) -> Any:  # noqa: ANN401 - whatever the option holds
    """A copy of what may be changed in place, so that a default stays one."""
    return value.copy() if isinstance(value, list | dict) else value


def file_of(function: object) -> str:
    """The file that a function is written in."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code.co_filename if code is not None else "unknown file"


def make_shared_options() -> SharedOptions:
    """A new `opts`, with everything but extensions' options."""
    return SharedOptions(dict(native_infos()))
