"""Importing the scripts of extensions, as A1111 does: each by its path, under the name of its file.

They are in no `sys.modules`, so that two extensions may have a script of one name. While a script is
imported, its extension's folder is the first of `sys.path`; from then on it is the last.
"""

import importlib.util
import logging
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from webui.compat.a1111.host import ExtensionHost, current
from webui.compat.a1111.limits import ImportLimits
from webui.core.readable import readable
from webui.plugins.community import CommunityFolder
from webui.plugins.importing import Raised, TimeIsUp, run_within

logger = logging.getLogger(__name__)
SCRIPTS = "scripts"
# After so long, whoever watches the start is told what takes the time.
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script: the name of its extension, the extension's folder, the file's name and its path."""

    extension: str
    basedir: Path
    filename: str
    path: Path


def ordered_scripts(host: ExtensionHost) -> list[ScriptFile]:
    """The scripts of all extensions that run: by the order of the extensions, then by the file's name."""
    return [script for each in host.folders for script in scripts_of(each)]


def scripts_of(extension: CommunityFolder) -> list[ScriptFile]:
    """The scripts of one extension: files ending in `.py` that lie in its folder `scripts` itself."""
    try:
        files = sorted(each for each in (extension.folder / SCRIPTS).iterdir() if each.suffix == ".py")
    except OSError:
        return []
    return [
        ScriptFile(extension.name, extension.folder, readable(each.name), each)
        for each in files
        if each.is_file()
    ]


def import_script(script: ScriptFile) -> ModuleType:
    """The module of a script. Raises whatever the script raises, and ImportTookTooLong."""
    host = current()
    limits: ImportLimits = host.limits
    limit = limits.left(script.extension)
    began = time.monotonic()
    with path_of(host, script.basedir), told_when_slow(script):
        try:
            return run_within(limit, lambda: run_script(script), script.basedir)
        except TimeIsUp:
            raise limits.give_up(script.extension) from None
        except Raised as raised:
            raise raised.error from None
        finally:
            limits.spend(script.extension, time.monotonic() - began)


def run_script(script: ScriptFile) -> ModuleType:
    """Make the module of a file and run the file in it."""
    spec = importlib.util.spec_from_file_location(script.filename, script.path)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
