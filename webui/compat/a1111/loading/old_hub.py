"""huggingface_hub as extensions of its time before 1.0 know it: with the names and arguments that went."""

import re
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from webui.compat.a1111.loading.old_module import OldModule

HUB = "huggingface_hub"
# Of functions that get files: arguments that say how, as they do anyway or cannot any more.
DROPPED = frozenset(
    {"resume_download", "local_dir_use_symlinks", "force_filename", "legacy_cache_layout", "proxies"}
)
GETTING = frozenset({"hf_hub_download", "snapshot_download"})
TOKEN = "use_auth_token"
_USE = re.compile(rf"\b(?:HfFolder|{TOKEN}|{'|'.join(sorted(DROPPED))})\b")


def uses_old_hub(source: str) -> bool:
    """Whether a file names anything that huggingface_hub has no more."""
    return HUB in source and bool(_USE.search(source))


class OldHub(OldModule):
    """huggingface_hub, with what went."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it has
        hub = self._today
        if name == "HfFolder" and not hasattr(hub, name):
            return make_folder(hub)
        value = getattr(hub, name)
        return with_old_arguments(value) if name in GETTING else value

    def __dir__(self) -> list[str]:
        """Its names and the one that went."""
        return sorted({*super().__dir__(), "HfFolder"})


def with_old_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gets files, called as it was."""

    @wraps(function)
    def get(*values: Any, **given: Any) -> Any:  # noqa: ANN401 - as it is
        kept = {name: value for name, value in given.items() if name not in DROPPED}
        if TOKEN in kept:
            kept.setdefault("token", kept.pop(TOKEN))
        return function(*values, **kept)

    return get


@cache
def make_folder(hub: Any) -> type:  # noqa: ANN401 - the module
    """`HfFolder`, which kept the token."""

    class HfFolder:
        """The token with which files are asked for."""

        path_token = hub.constants.HF_TOKEN_PATH

        @staticmethod
        def get_token() -> str | None:
            """The token; None if there is none."""
            return hub.get_token()

        @staticmethod
        def save_token(token: str) -> None:
            """Keep it on this machine. Asks nobody whether it is right, as before."""
            place = Path(hub.constants.HF_TOKEN_PATH)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(token, encoding="utf-8")
            place.chmod(0o600)

        @staticmethod
        def delete_token() -> None:
            """Forget it."""
            Path(hub.constants.HF_TOKEN_PATH).unlink(missing_ok=True)

    return HfFolder


@cache
def old_hub(hub: ModuleType) -> ModuleType:
    """The module that stands for huggingface_hub in an extension's file."""
    return OldHub(hub)
