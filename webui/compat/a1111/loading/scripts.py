"""Importing the scripts of extensions, as A1111 does: each by its path, under the name of its file.

They are in no `sys.modules`, so that two extensions may have a script of one name. While a script is
imported, its extension's folder is the first of `sys.path`; from then on it is the last.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.limits import ImportLimits
from webui.compat.a1111.loading.metadata import EXTENSION, MetadataFile, rules_of, sort_by_rules
from webui.compat.a1111.loading.modules import as_failure, module_of_file
from webui.core.readable import readable
from webui.plugins.community import CommunityFolder
from webui.plugins.importing import Raised, TimeIsUp, run_within

logger = logging.getLogger(__name__)
SCRIPTS = "scripts"
# After so long, whoever watches the start is told what takes the time.
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script: the name and folder of its extension, the folder it is told, the file's name and its path."""

    extension: str
    folder: Path
    basedir: Path
    filename: str
    path: Path


def ordered_scripts(host: ExtensionHost) -> list[ScriptFile]:
    """The scripts of all extensions that run.

    They come by the order of the extensions and then by the file's name, unless a `metadata.ini` has rules.
    """
    metadata = {each.name: MetadataFile.read(each.folder, each.canonical_name) for each in host.folders}
    found = {each.name: scripts_of(each) for each in host.folders}
    by_extension: dict[str, list[str]] = {}
    scripts: dict[str, ScriptFile] = {}
    for name, files in found.items():
        keys = [f"{metadata[name].name}/{each.filename.lower()}" for each in files]
        by_extension[metadata[name].name] = keys
        scripts |= zip(keys, files, strict=True)
    rules = [
        rules_of(metadata[each.extension], key, each.filename, by_extension) for key, each in scripts.items()
    ]
    return [scripts[key] for key in sort_by_rules(rules)]


def describe_lacking(host: ExtensionHost) -> dict[Path, str]:
    """Sentences, by the folders of extensions, on others that they need and that do not run."""
    metadata = {each.folder: MetadataFile.read(each.folder, each.canonical_name) for each in host.folders}
    names = {each.name for each in metadata.values()}
    sentences: dict[Path, str] = {}
    for folder, each in metadata.items():
        lacking = [name for name in each.names("Requires", [EXTENSION], names) if name not in names]
        if lacking:
            sentences[folder] = f"It needs {', '.join(lacking)}, which is not here or is switched off."
    return sentences


def scripts_of(extension: CommunityFolder) -> list[ScriptFile]:
    """The scripts of one extension."""
    return [
        ScriptFile(extension.name, extension.folder, extension.base, readable(each.name), each)
        for each in extension.scripts()
    ]


def import_script(script: ScriptFile) -> ModuleType:
    """The module of a script. Raises whatever the script raises, and ImportTookTooLong."""
    host = current()
    limits: ImportLimits = host.limits
    limit = limits.left(script.extension)
    began = time.monotonic()
    with path_of(host, script.folder), told_when_slow(script):
        try:
            return run_within(limit, partial(run_script, host, script), script.folder, host.calls.is_waiting)
        except TimeIsUp:
            raise limits.give_up(script.extension) from None
        except Raised as raised:
            raise as_failure(raised.error) from None
        finally:
            limits.spend(script.extension, time.monotonic() - began)


def run_script(host: ExtensionHost, script: ScriptFile) -> ModuleType:
    """The module of a script, on a thread that has an event loop as A1111's main thread does.

    What the import adds to the memory in use goes into the extension's health.
    """
    before = resident_bytes()
    asyncio.set_event_loop(host.import_loop())
    try:
        return module_of_file(script.path, host.prepare_module)
    finally:
        asyncio.set_event_loop(None)
        record = host.health.of_file(script.path)
        if record is not None:
            record.size_bytes += max(0, resident_bytes() - before)


def resident_bytes() -> int:
    """The memory that this process has; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def path_of(host: ExtensionHost, folder: Path) -> Generator[None]:
    """While one of its scripts is imported, an extension's folder is where modules are looked for first."""
    place = str(folder)
    sys.path.insert(0, place)
    host.importing = folder
    try:
        yield
    finally:
        host.importing = None
        # What the script itself put there stays.
        sys.path.remove(place)
        if place not in sys.path:
            sys.path.append(place)


@contextmanager
def told_when_slow(script: ScriptFile) -> Generator[None]:
    """Say which extension is waited for, if it takes long."""
    sentence = "Still importing %s of the extension %s"
    timer = threading.Timer(PATIENCE_S, logger.info, (sentence, script.filename, script.extension))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
