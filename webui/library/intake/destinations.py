"""Which of A1111's folders a file belongs into, by its kind."""

from pathlib import Path

from webui.core.model_file import ModelKind
from webui.library.catalog.folders import ModelFolders

# Networks that A1111 keeps apart from the folder of their kind.
BY_ARCHITECTURE = {
    "SwinIR": "SwinIR",
    "Swin2SR": "Swin2SR",
    "ScuNET": "ScuNET",
    "DAT": "DAT",
    "HAT": "HAT",
    "CodeFormer": "Codeformer",
}
PICTURE_NETWORKS = (ModelKind.UPSCALER, ModelKind.FACE_RESTORER)


def destination(kind: ModelKind, architecture: str | None, folders: ModelFolders) -> Path:
    """The folder in which a file of a kind is put."""
    home = folders.home(kind)
    own = BY_ARCHITECTURE.get(architecture or "") if kind in PICTURE_NETWORKS else None
    return home.with_name(own) if own else home
