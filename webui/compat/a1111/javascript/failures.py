"""What fails in extensions' scripts on the page, kept beside what fails in their Python."""

import re
from pathlib import Path
from urllib.parse import unquote

from pydantic import BaseModel, Field

from webui.compat.a1111.health import ExtensionFailure
from webui.compat.a1111.host import ExtensionHost

# An address of a file of an extension, as it stands in a trace.
PLACE = re.compile(r"/file=extensions(?:-builtin)?/([^/\s]+)/([^?:\s)]+)")


class PageFailure(BaseModel):
    """An error of a script and its trace, as a browser tells them."""

    error: str = Field(max_length=500)
    stack: str = Field(max_length=8000)


def note_failure(host: ExtensionHost, failure: PageFailure) -> bool:
    """Keep a failure with the extension whose file its trace names first; gives whether there is one."""
    found = PLACE.search(failure.stack)
    if found is None:
        return False
    name, file = unquote(found[1]), Path(unquote(found[2])).as_posix()
    record = next((each for each in host.health.all if each.folder.name == name), None)
    if record is None:
        return False
    record.failures.append(ExtensionFailure(file[:200], failure.error, failure.stack))
    return True
