"""What tests of the host of A1111's extensions share; what is global is undone after each test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from webui.compat.a1111 import host as hosts
from webui.compat.a1111.host import ExtensionHost

SITE = Path(hosts.__file__).parent / "site"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ExtensionHost]:
    """A host without services; `import modules` works while it is there."""
    path, known = list(sys.path), set(sys.modules)
    sys.path.append(str(SITE))
    made = ExtensionHost(root=tmp_path)
    hosts.begin(made)
    yield made
    hosts.end()
    sys.path[:] = path
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if Path(file).is_relative_to(SITE) or Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def ready_host(host: ExtensionHost, tmp_path: Path) -> Iterator[ExtensionHost]:
    """The host of a program on an empty data folder, with the starter's checkpoint; no job runs."""
    # Brings the whole program, which the host alone does without.
    from webui.core.flags import read_flags
    from webui.main import build_services

    home = tmp_path / "home"
    host.services = build_services(read_flags(["--data-dir", str(home)])[0], Path.cwd())
    host.root = home
    yield host
    host.services.library.close()
