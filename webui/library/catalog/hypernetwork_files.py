"""The hypernetworks of a catalog by A1111's names for them."""

from webui.core.model_file import ModelFile, ModelKind
from webui.library.catalog.catalog import Catalog

# A1111 lists no file of this name, because it stands for the choice of none.
NONE = "None"


def hypernetwork_files(catalog: Catalog) -> dict[str, ModelFile]:
    """Hypernetworks by their files' names without folder and suffix."""
    files = catalog.files(ModelKind.HYPERNETWORK)
    return {file.stem: file for file in files if file.stem != NONE}
