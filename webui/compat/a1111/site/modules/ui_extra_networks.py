"""Cards of models, for extensions that add pages of their own."""
# pyright: basic

import html
import json
import urllib.parse
from pathlib import Path

extra_pages = []
allowed_dirs = set()
default_allowed_preview_extensions = ["png", "jpg", "jpeg", "webp", "gif"]


def allowed_preview_extensions():
    return list(default_allowed_preview_extensions)


def quote_js(s):
    return json.dumps(str(s))


def register_page(page):
    extra_pages.append(page)
    allowed_dirs.update(str(Path(each).resolve()) for each in page.allowed_directories_for_previews())


def register_default_pages():
    """Nothing: the page has its own cards."""


def initialize():
    """Nothing."""


class ExtraNetworksPage:
    def __init__(self, title):
        self.title = title
        self.name = title.lower()
        self.id_page = self.name.replace(" ", "_")
        self.extra_networks_tabname = self.id_page
        self.allow_prompt = True
        self.allow_negative_prompt = False
        self.metadata = {}
        self.items = {}

    def refresh(self):
        """Read the folder again."""

    def list_items(self):
        return []

    def allowed_directories_for_previews(self):
        return []

    def read_user_metadata(self, item, use_cache=True):
        """Add what the user noted of an item."""

    def link_preview(self, filename):
        return f"./sd_extra_networks/thumb?filename={urllib.parse.quote(str(filename))}"

    def search_terms_from_path(self, filename, possible_directories=None):
        return str(filename)

    def find_preview(self, path):
        for extension in default_allowed_preview_extensions:
            for file in (f"{path}.preview.{extension}", f"{path}.{extension}"):
                if Path(file).is_file():
                    return self.link_preview(file)
        return None

    def find_description(self, path):
        file = Path(f"{path}.txt")
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None

    def find_embedded_preview(self, path, name, metadata):
        return None

    def create_item_html(self, tabname, item, template=None):
        name = html.escape(str(item.get("name", "")))
        actions = f"<div class='actions'><span class='name'>{name}</span></div>"
        return f"<div class='card' data-name='{name}'>{actions}</div>"

    def create_html(self, tabname, *, empty=False):
        cards = [] if empty else [self.create_item_html(tabname, each) for each in self.list_items()]
        return f"<div class='extra-network-cards'>{''.join(cards)}</div>"

    def create_user_metadata_editor(self, ui, tabname):
        return None


class ExtraNetworksUi:
    def __init__(self):
        self.pages = []
        self.stored_extra_pages = []
        self.tabname = ""


def create_ui(interface, unrelated_tabs=None, tabname="txt2img"):
    made = ExtraNetworksUi()
    made.tabname = tabname
    made.stored_extra_pages = list(extra_pages)
    return made


def setup_ui(ui, gallery):
    """Nothing: cards take previews from the page's own gallery."""
