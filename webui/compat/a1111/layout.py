"""Where extensions find models, pictures and each other: A1111's folders, as far as they are the program's.

In the process of an `install.py` there is no host; what it needs to know lies in the environment.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from webui.compat.a1111 import host as hosts

MODELS, ARGUMENTS = "ATELIER_MODELS", "ATELIER_ARGUMENTS"
SITE = Path(__file__).parent / "site"
# The folder that holds the package `webui`.
PROGRAM = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class HostLayout:
    """`root` is what extensions take for A1111's folder, `models` its folder of models, `arguments` the words
    of the command line.
    """

    root: Path
    models: Path
    arguments: tuple[str, ...] = ()

    def environment(self, before: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process in which `import launch` is to work."""
        # A1111's folder is the first, and some write where `sys.path` names it: never among our own files.
        paths = [str(self.root), str(SITE), str(PROGRAM), before.get("PYTHONPATH", "")]
        return dict(before) | {
            hosts.ROOT: str(self.root),
            MODELS: str(self.models),
            ARGUMENTS: json.dumps(self.arguments),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }


def layout() -> HostLayout:
    """The host's layout; in a process without a host, that of the environment."""
    if not hosts.is_running() or hosts.ROOT in os.environ:
        root = Path(os.environ.get(hosts.ROOT) or Path.cwd())
        models = Path(os.environ.get(MODELS) or root / "models")
        return HostLayout(root, models, tuple(read_words(os.environ.get(ARGUMENTS, ""))))
    host = hosts.current()
    models = host.services.paths.models if host.services else host.root / "models"
    return HostLayout(host.root, models, tuple(host.arguments))


def read_words(text: str) -> Sequence[str]:
    """The words of a command line as the environment has them; none where it has none."""
    try:
        words = json.loads(text)
    except ValueError:
        return []
    return [str(word) for word in words] if isinstance(words, list) else []
