"""Folders on the server that fields of the page name: whoever uses a shared server may not name any."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webui.core.flags import Flags
from webui.jobs.services import Services

# What a batch reads and writes, by field.
BATCH_FOLDERS = {
    "batch_input_dir": "input directory",
    "batch_output_dir": "output directory",
    "batch_mask_dir": "inpaint masks directory",
    "batch_png_info_dir": "PNG info directory",
}
EXTRAS_FOLDERS = {"input_dir": "input directory", "output_dir": "output directory"}
THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


def check_named_folders(services: Services, fields: Mapping[str, Any], named: Mapping[str, str]) -> None:
    """Raise InvalidRequest for a folder that lies elsewhere than pictures do on this server.

    On a server for this machine alone whoever opens the page may read its folders anyway.
    """
    if is_for_this_machine(services.flags):
        return
    for field, what in named.items():
        if text := str(fields.get(field) or "").strip().strip('"'):
            # As the batch itself will read it.
            services.folders.check_folder(f"The {what}", str(Path(text).expanduser().absolute()))


def is_for_this_machine(flags: Flags) -> bool:
    """Whether only programs on this machine reach the server, and no proxy or login tells of other people."""
    return flags.host in THIS_MACHINE and not flags.subpath and not flags.page_accounts()
