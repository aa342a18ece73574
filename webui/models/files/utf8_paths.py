"""Names for libraries that take only UTF-8."""

import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

from webui.core.readable import readable


@contextlib.contextmanager
def utf8_path(path: Path) -> Generator[Path, None, None]:
    """The path, or, if it is no UTF-8, that of a link to it, which goes after the block."""
    if readable(str(path)) == str(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"linked{path.suffix}"
        link.symlink_to(path.absolute())
        yield link
