"""Names that a script of a community extension and one that comes with the program both have.

The community's is whom the name means: its artist installed it, and clients send arguments in its shape. The
program's own is then called `<name> (integrated)`, which is always understood.
"""

import re
from collections.abc import Collection

INTEGRATED = " (integrated)"
# Some extensions write their version into the title.
_VERSION = re.compile(r"\s+v?\d+(\.\d+)+$")


def plain_title(name: str) -> str:
    """The name that one of the program's own is known by, in small letters, from what it is called now."""
    return name.strip().lower().removesuffix(INTEGRATED)


def title_beside(title: str, others: Collection[str]) -> str:
    """What one of the program's own is called beside `others`, the community's titles in small letters."""
    wanted = title.strip().lower()
    is_taken = any(wanted in (each, _VERSION.sub("", each)) for each in others)
    return f"{title}{INTEGRATED}" if is_taken else title
