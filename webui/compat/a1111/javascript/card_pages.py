"""Pages of cards that extensions add beside those of the program's own models."""

import inspect
import sys
from typing import Any

from pydantic import BaseModel

from webui.compat.a1111.page.calls import call_extension
from webui.plugins.parts import TabName


class AddedCards(BaseModel):
    """A page: `name` is what ids of its elements contain, `html` are its cards."""

    name: str
    title: str
    html: str


def read_card_pages(tab: TabName, only: str = "", *, again: bool = False) -> list[AddedCards]:
    """The pages of a tab, or one of them; `again` has extensions look for their files anew.

    One that fails has no cards; the extension's record of health says why.
    """
    site = sys.modules.get("modules.ui_extra_networks")
    pages = list(site.extra_pages) if site else []
    return [
        AddedCards(name=name_of(page), title=str(page.title), html=draw_page(page, tab, again=again))
        for page in pages
        if not only or name_of(page) == only
    ]


def draw_page(page: Any, tab: TabName, *, again: bool) -> str:  # noqa: ANN401 - an extension's object
    """A page's cards."""
    file = file_of(page)
    if again:
        call_extension(file, "refresh", page.refresh)
    return str(call_extension(file, "create_html", page.create_html, tab, default="") or "")


def name_of(page: Any) -> str:  # noqa: ANN401 - an extension's object
    """What stands in ids."""
    return str(getattr(page, "extra_networks_tabname", None) or page.name).replace(" ", "_")


def file_of(page: Any) -> str:  # noqa: ANN401 - an extension's object
    """The file of the extension that a page is of."""
    return inspect.getfile(inspect.unwrap(type(page).list_items))
