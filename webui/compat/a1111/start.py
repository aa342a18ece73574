"""Starts the host of A1111's extensions, and ends it.

`main` imports this only if a community extension is there and wanted.
"""

import importlib
import importlib.util
import logging
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from webui.compat.a1111 import hooks
from webui.compat.a1111.health import ExtensionHealth
from webui.compat.a1111.host import ExtensionHost, begin, end
from webui.compat.a1111.loading.scripts import import_script, ordered_scripts
from webui.jobs.services import Services
from webui.plugins.community import CommunityFolder, names_of
from webui.plugins.loading import ExtensionRecord

logger = logging.getLogger(__name__)
SITE = Path(__file__).parent / "site"


def start(services: Services, folders: Sequence[CommunityFolder], arguments: Sequence[str]) -> None:
    """Load these extensions. Whatever one does, the others are loaded and the program goes on."""
    host = ExtensionHost(services.paths.root, list(arguments), services, folders=tuple(folders))
    for each in folders:
        host.health.add(each.name, each.folder)
    begin(host)
    services.extensions.add_loader(lambda: [record_of(each) for each in host.health.all], stop)
    sys.path.append(str(SITE))
    logger.info("Loading extensions of A1111's: %s", names_of(folders))
    for name, module in hook_modules():
        services.extensions.add_module(module, name)
    load_scripts(host)


def stop() -> None:
    """Undo what `start` did, so that another host can be started."""
    end()
    if str(SITE) in sys.path:
        sys.path.remove(str(SITE))


def hook_modules() -> list[tuple[str, ModuleType]]:
    """The modules of hooks that there are, by the names under which they are registered."""
    names = sorted(each.name for each in pkgutil.iter_modules(hooks.__path__))
    return [(f"a1111 {name}", importlib.import_module(f"{hooks.__name__}.{name}")) for name in names]


def load_scripts(host: ExtensionHost) -> None:
    """Import all scripts, through `modules.scripts` where that can."""
    if importlib.util.find_spec("modules.scripts") is not None:
        importlib.import_module("modules.scripts").load_scripts()
        return
    for script in ordered_scripts(host):
        with host.health.watch(script.path, f"scripts/{script.filename}"):
            import_script(script)


def record_of(health: ExtensionHealth) -> ExtensionRecord:
    """What the list of extensions says of one."""
    first = health.failures[0] if health.failures else None
    return ExtensionRecord(
        health.name,
        "a1111",
        health.folder,
        "on",
        f"{first.where}: {first.error}" if first else "",
        round(sum(health.seconds.values()), 3),
        len(health.failures),
    )
