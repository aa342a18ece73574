"""Runs an `install.py`, as Python would, where what it imports is found as scripts of extensions find it.

`extensions.NAME` leads to the extensions' folder too, and packages have the names of A1111's time.

python -m webui.compat.a1111.loading.run_install FILE
"""

import runpy
import sys
from pathlib import Path

from webui.compat.a1111.layout import layout
from webui.compat.a1111.loading.namespaces import separate_names
from webui.compat.a1111.loading.old_names import OldNames
from webui.compat.a1111.loading.undoing import open_package
from webui.plugins.community import CommunityFolder
from webui.plugins.loading import FOLDER


def main() -> None:
    """Run the file that the command line names."""
    file = Path(sys.argv[1])
    open_package(layout().root / FOLDER)
    OldNames().add()
    separate_names([CommunityFolder(file.parent.name, file.parent)])
    sys.argv[:] = [str(file)]
    sys.path[0] = str(file.parent)
    runpy.run_path(str(file), run_name="__main__")


if __name__ == "__main__":
    main()
