"""Starts the host of A1111's extensions, and ends it.

`main` imports this only if a community extension is there and wanted.
"""

import importlib
import logging
import os
import pkgutil
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from webui.compat.a1111 import gradio3, hooks
from webui.compat.a1111.health import ExtensionHealth
from webui.compat.a1111.host import ExtensionHost, begin, current, end
from webui.compat.a1111.layout import SITE, layout
from webui.compat.a1111.limits import END_LIMIT_S, ImportTookTooLong
from webui.compat.a1111.loading.arguments import (
    check_unknown,
    current_options,
    current_parser,
    settings_path,
)
from webui.compat.a1111.loading.installing import Installs
from webui.compat.a1111.loading.late_signals import late_signals
from webui.compat.a1111.loading.metadata import METADATA
from webui.compat.a1111.loading.namespaces import separate_names
from webui.compat.a1111.loading.own_packages import stand_in_for_incomplete
from webui.compat.a1111.loading.preload import PRELOAD, run_preloads
from webui.compat.a1111.loading.scripts import (
    SCRIPTS,
    ScriptFile,
    describe_lacking,
    import_script,
    ordered_scripts,
)
from webui.compat.a1111.loading.undoing import Undoing, keep_process, open_package
from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.library.community.reading.brought_packages import PACKAGES_OF_A1111
from webui.plugins.community import CommunityFolder, names_of
from webui.plugins.failed_starts import FailedStarts
from webui.plugins.loading import FOLDER, ExtensionRecord

logger = logging.getLogger(__name__)
# Of a package as a whole: one of A1111's own modules is none.
NO_MODULE = re.compile(r"No module named '([A-Za-z_]\w*)'")
# Packages that are named otherwise than their modules, and that A1111 does not bring along.
PACKAGE_OF = {
    "sklearn": "scikit-learn",
    "dotenv": "python-dotenv",
    "send2trash": "Send2Trash",
}


def start(
    services: Services,
    folders: Sequence[CommunityFolder],
    arguments: Sequence[str] = (),
    *,
    starts: FailedStarts | None = None,
    knows_all_flags: bool = True,
) -> None:
    """Load these extensions. Whatever one does, the others are loaded and the program goes on.

    Raises WrongFlag for a flag that nobody knows, if `knows_all_flags`: no other extensions have any.
    """
    host = ExtensionHost(
        services.paths.root, list(arguments), services, folders=tuple(folders), starts=starts
    )
    begin(host)
    undoing = Undoing.begin([each.folder for each in folders])
    services.extensions.add_loader(lambda: describe_all(host), lambda: stop(undoing))
    for each in folders:
        host.health.add(each.name, each.folder)
    logger.info("Loading extensions of A1111's: %s", names_of(folders))
    try:
        load(host, knows_all_flags)
    except WebuiError:
        raise
    except Exception as error:  # The edge of all of them: the program goes on without.
        logger.exception("Extensions of A1111's were not all loaded")
        for record in host.health.all:
            host.health.note_failure(record, "the start", error)


def load(host: ExtensionHost, knows_all_flags: bool) -> None:
    """Do all of the start in A1111's order: flags, installing, scripts."""
    # Behind all else: what install.py fetched is imported as `repositories.NAME`.
    sys.path += [str(SITE), str(host.root)]
    os.environ["PATH"] = with_commands(os.environ.get("PATH", ""))
    # As A1111 is started in its own folder: extensions open "extensions/NAME/…" and "models/…" as they are.
    os.chdir(host.root)
    lay_out(host.root, settings_path(layout()))
    stand_in_for_incomplete()
    open_package(host.root / FOLDER)
    read_flags(host, knows_all_flags)
    installs, may_install = Installs(host.ready.paths.data, layout()), not host.ready.flags.skip_install
    if may_install:
        installs.run_all(host.folders, host.health)
    os.environ.update(installs.bound(may_install=may_install))
    for name, module in hook_modules():
        host.ready.extensions.add_module(module, name)
    for folder, lacking in describe_lacking(host).items():
        host.health.note_failure(host.health.of_file(folder), METADATA, LookupError(lacking))
    if not host.ready.flags.nowebui:
        wrap_gradio(host)
    finder = separate_names(host.folders)
    if finder is not None:
        host.prepare_module = finder.prepare
    late_signals.open()
    try:
        load_scripts(host)
    finally:
        late_signals.set_all()
    note_start(host, describe_all(host))


def with_commands(path: str) -> str:
    """PATH with the commands of the environment's packages, as where A1111 is started."""
    commands = sysconfig.get_path("scripts")
    places = path.split(os.pathsep) if path else []
    return path if commands in places else os.pathsep.join([commands, *places])


def lay_out(root: Path, settings: Path) -> None:
    """Make what A1111's folder has from its first start on: some list the one and read the others unasked."""
    for name in ("localizations", SCRIPTS):
        with suppress(OSError):
            (root / name).mkdir(exist_ok=True)
    for file in (root / "ui-config.json", settings):
        with suppress(OSError), file.open("x", encoding="utf-8") as made:
            made.write("{}")


def wrap_gradio(host: ExtensionHost) -> None:
    """Let Gradio's classes take what Gradio 3's took, before scripts derive classes from them."""

    def note_dropped(file: str, names: Iterable[str]) -> None:
        record = host.health.of_file(file)
        if record is not None:
            record.dropped.update(names)

    gradio3.install(on_dropped=note_dropped)


def note_start(host: ExtensionHost, records: Sequence[ExtensionRecord]) -> None:
    """Keep on disk which extensions could not be loaded; the others are fine once the page is there."""
    for each in records:
        if each.state == "failed":
            host.failed_to_load.add(each.name)
            if host.starts is not None:
                host.starts.note(each.name, each.error)
    if host.starts is not None:
        host.starts.end()


def stop(undoing: Undoing) -> None:
    """Undo what `start` did, so that another host can be started. Extensions are told before."""
    tell_the_end()
    late_signals.put_back()
    undoing.undo()
    gradio3.uninstall()
    end()


def tell_the_end() -> None:
    """Let extensions end what they started: on_before_reload, then on_script_unloaded, latest first.

    Each has so long; one that does not come back is asked for nothing more.
    """
    callbacks: Any = sys.modules.get("modules.script_callbacks")
    if callbacks is not None:
        current().start_limit_s = END_LIMIT_S
        callbacks.app_reload_callback()
        callbacks.script_unloaded_callback()


def read_flags(host: ExtensionHost, knows_all_flags: bool) -> None:
    """Let extensions add flags, and read the command line with them."""
    parser = current_parser()
    run_preloads(host.folders, parser, host.health)
    have_failed = any(each.where == PRELOAD for record in host.health.all for each in record.failures)
    if knows_all_flags and not have_failed:
        check_unknown(parser, host.arguments)
    current_options()


def hook_modules() -> list[tuple[str, ModuleType]]:
    """The modules of hooks that there are, by the names under which they are registered."""
    names = sorted(each.name for each in pkgutil.iter_modules(hooks.__path__))
    return [(f"a1111 {name}", importlib.import_module(f"{hooks.__name__}.{name}")) for name in names]


def load_scripts(host: ExtensionHost) -> None:
    """Import all scripts, and let `modules.scripts`, where it is there, find the classes in them."""
    scripts = importlib.import_module("modules.scripts") if find_spec("modules.scripts") else None
    for script in ordered_scripts(host):
        watched = host.health.watch(script.path, f"{SCRIPTS}/{script.filename}")
        kept = keep_process(script.extension, host.health.notes(script.extension))
        with host.noted(script.extension), watched, kept:
            load_script(script, scripts)


def load_script(script: ScriptFile, scripts: Any) -> None:  # noqa: ANN401 - the module `modules.scripts`
    """Import one script. Raises whatever it raises."""
    if scripts is None:
        import_script(script)
        return
    file = scripts.ScriptFile(str(script.basedir), script.filename, str(script.path))
    scripts.current_basedir = file.basedir
    try:
        scripts.register_scripts_from_module(import_script(script), file)
    finally:
        scripts.current_basedir = None


def describe_all(host: ExtensionHost) -> list[ExtensionRecord]:
    """What the list of extensions says of each."""
    scripts = Counter(each.extension for each in ordered_scripts(host))
    return [describe(each, scripts[each.name]) for each in host.health.all]


def describe(health: ExtensionHealth, scripts: int) -> ExtensionRecord:
    """Of one with so many scripts. It failed if none of them could be imported, or one took too long."""
    failed = [each for each in health.failures if each.where.startswith(f"{SCRIPTS}/")]
    has_hung = any(each.error.startswith(ImportTookTooLong.__name__) for each in failed)
    first = next(iter(health.failures), None)
    return ExtensionRecord(
        health.name,
        "a1111",
        health.folder,
        "failed" if has_hung or (scripts and len(failed) >= scripts) else "on",
        f"The extension {health.name!r} failed in {first.where} ({first.error}).{advise(first.error)}"
        if first
        else "",
        round(sum(health.seconds.values()), 3),
        len(health.failures),
    )


def advise(error: str) -> str:
    """What to do where a package is lacking, which A1111 may have brought along; else ""."""
    found = NO_MODULE.search(error)
    if found is None or find_spec(found[1]) is not None:
        return ""
    package = (PACKAGE_OF | PACKAGES_OF_A1111).get(found[1], found[1])
    return (
        f" If its author names {package} as a package that it needs, install it: {sys.executable} -m pip "
        f"install {package}"
    )
