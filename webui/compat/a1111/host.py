"""What the host of A1111's extensions knows, for the modules that extensions import.

Those modules are global to the process, as A1111's are, so there is one host at a time: `begin` sets it when
the program starts, `end` takes it away. Importing this does nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from webui.compat.a1111.device_calls import DeviceCalls
from webui.compat.a1111.health import HealthRecords
from webui.compat.a1111.limits import COMPONENT_LIMIT_S, START_LIMIT_S, ImportLimits
from webui.compat.a1111.live_values import LiveValues
from webui.compat.a1111.runs import Runs
from webui.plugins.community import CommunityFolder
from webui.plugins.failed_starts import FailedStarts

if TYPE_CHECKING:
    from webui.jobs.services import Services


@dataclass(slots=True)
class ExtensionHost:
    """The program as extensions find it.

    `root` is what they take for A1111's folder (models, extensions, outputs lie in it), `services` everything
    that a page or a route may touch; it is None until the program is built. `arguments` are the words of the
    command line.
    """

    root: Path
    arguments: list[str] = field(default_factory=list[str])
    services: Services | None = None
    health: HealthRecords = field(default_factory=HealthRecords)
    # Values of scripts' components that are no JSON.
    live_values: LiveValues = field(default_factory=LiveValues)
    # Those that run, in their order.
    folders: tuple[CommunityFolder, ...] = ()
    # Where the extension lies whose script is being imported; None at all other times.
    importing: Path | None = None
    # The command line's parser, to which extensions add flags, and what it read: `modules.shared.cmd_opts`.
    parser: Any = None
    options: Any = None
    # Given each script's module before the script is run.
    prepare_module: Callable[[Path, ModuleType], None] = lambda file, module: None
    limits: ImportLimits = field(default_factory=ImportLimits)
    # What each call may take while the page is built, and extensions of which one took longer.
    start_limit_s: float = START_LIMIT_S
    given_up: set[str] = field(default_factory=set[str])
    # The same for the calls that one component costs an extension.
    component_limit_s: float = COMPONENT_LIMIT_S
    # Which extensions failed in earlier starts; None where nobody counts.
    starts: FailedStarts | None = None
    failed_to_load: set[str] = field(default_factory=set[str])
    # Gradio's page, once it is built, and the application that serves it.
    page: Any = None
    app: Any = None
    # Runs that are being made with a processing object, and functions that wait for the device's thread.
    runs: Runs = field(default_factory=Runs)
    calls: DeviceCalls = field(default_factory=DeviceCalls)

    _loop: asyncio.AbstractEventLoop | None = None

    def import_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that code finds while it is imported. It does not run."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop

    def noted(self, name: str) -> AbstractContextManager[None]:
        """While the code of an extension is run at the start: the next one knows if it took this one down."""
        return nullcontext() if self.starts is None else self.starts.running(name)

    def give_up(self, name: str, sentence: str) -> None:
        """Ask an extension for nothing more at this start, which counts as a failed one for it."""
        self.given_up.add(name)
        if self.starts is not None:
            self.starts.note(name, sentence)
            self.starts.end()

    def confirm_start(self) -> None:
        """The page is there: extensions that were loaded and came back from all calls did not fail."""
        if self.starts is not None:
            for each in self.folders:
                if each.name not in self.given_up | self.failed_to_load:
                    self.starts.note(each.name, "")
            self.starts.end()

    def close(self) -> None:
        """Let go of what the host opened."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    @property
    def ready(self) -> Services:
        """The services. Raises RuntimeError while the program is still being built."""
        if self.services is None:
            raise RuntimeError(
                "The program is not built yet: ask for this in a callback, not while importing."
            )
        return self.services


# In the environment of an `install.py`: what it takes for A1111's folder.
ROOT = "ATELIER_ROOT"
_hosts: list[ExtensionHost] = []


def begin(host: ExtensionHost) -> None:
    """Make this the host. Raises RuntimeError if there is one."""
    if _hosts:
        raise RuntimeError("Two hosts of A1111's extensions cannot run in one process.")
    _hosts.append(host)


def end() -> None:
    """Take the host away."""
    for host in _hosts:
        host.close()
    _hosts.clear()


def is_running() -> bool:
    """Whether there is a host."""
    return bool(_hosts)


def current() -> ExtensionHost:
    """The host; in the process of an `install.py`, one that knows its folder alone.

    Raises RuntimeError if there is none.
    """
    if not _hosts and ROOT in os.environ:
        begin(ExtensionHost(Path(os.environ[ROOT])))
    if not _hosts:
        raise RuntimeError("No host of A1111's extensions runs in this process.")
    return _hosts[0]
