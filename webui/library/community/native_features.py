"""Extensions whose feature is here already, or that cannot work here: a sentence, and where to find it."""

import json
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from webui.library.community.repository import key_of

FILE = Path(__file__).with_name("native_features.json")
# Where the repositories of the list lie; copies of them elsewhere are other repositories.
HOST = "github.com/"


class NativeFeature(BaseModel, frozen=True):
    """What to use in place of an extension.

    `opens` is "part:KEY", "tab:NAME", "cards:KIND" or "script:TITLE" of the page, "" if there is nothing.
    `needs_a1111`: it changes classes of A1111's that are not here, so it cannot work.
    """

    title: str
    opens: str
    sentence: str
    needs_a1111: bool


def find_native_feature(url: str) -> NativeFeature | None:
    """What to use in place of the extension at an address; None where there is nothing to say."""
    return read_native_features().get(key_of(url).removeprefix(HOST))


@cache
def read_native_features() -> dict[str, NativeFeature]:
    """All of them, by `owner/name` in lower case."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: NativeFeature(title=title, opens=opens, sentence=sentence, needs_a1111=needs)
        for name, title, opens, sentence, needs in rows
    }
