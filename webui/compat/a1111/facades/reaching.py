"""How the modules reach the program: its services, its settings, its device."""

from pathlib import Path

from webui.compat.a1111 import host
from webui.core.flags import Flags, read_flags
from webui.core.settings import Settings
from webui.jobs.services import Services


def services() -> Services | None:
    """Everything a page or a route may touch; None while the program is being built."""
    try:
        return host.current().services
    except RuntimeError:
        return None


def root() -> Path:
    """The folder that extensions take for A1111's."""
    return host.current().root


def models_folder() -> Path:
    """Where models lie."""
    ready = services()
    return ready.paths.models if ready else root() / "models"


def data_folder() -> Path:
    """Where the program keeps its own files."""
    ready = services()
    return ready.paths.data if ready else root()


def settings() -> Settings:
    """The settings as they are now; the defaults while the program is being built."""
    ready = services()
    return ready.settings.current if ready else Settings()


def flags() -> Flags:
    """The flags of the command line."""
    ready = services()
    return ready.flags if ready else read_flags([])[0]


def has_word(flag: str) -> bool:
    """Whether the command line has a flag of A1111's that is none of ours."""
    return flag in host.current().arguments
