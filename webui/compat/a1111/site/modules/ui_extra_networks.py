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
    """Have a page of cards shown in both tabs. One of the same name is replaced."""
    extra_pages[:] = [each for each in extra_pages if each.name != page.name]
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
        path = Path(filename)
        changed = path.stat().st_mtime if path.is_file() else 0
        return f"./file={urllib.parse.quote(path.as_posix())}?{changed:.0f}"

    def search_terms_from_path(self, filename, possible_directories=None):
        """The path from the folder that it lies in."""
        path = Path(filename).resolve()
        for folder in possible_directories or self.allowed_directories_for_previews():
            if path.is_relative_to(Path(folder).resolve()):
                return "/" + path.relative_to(Path(folder).resolve()).as_posix()
        return path.name

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

    def get_sort_keys(self, path):
        """What cards of files are ordered by."""
        file = Path(path)
        status = file.stat() if file.exists() else None
        return {
            "date_created": int(status.st_ctime) if status else 0,
            "date_modified": int(status.st_mtime) if status else 0,
            "name": file.name.lower(),
            "path": str(file).lower(),
        }

    def create_item_html(self, tabname, item, template=None):
        """One card. `prompt` and `negative_prompt` of an item are expressions of JavaScript."""
        name = str(item.get("name", ""))
        negative = item.get("negative_prompt") or "''"
        may_be_negative = "true" if self.allow_negative_prompt else "false"
        prompt = item.get("prompt") or quote_js("")
        shown_in = json.dumps(tabname)
        click = item.get("onclick") or f"cardClicked({shown_in}, {prompt}, {negative}, {may_be_negative})"
        terms = item.get("search_terms") or [item.get("search_term") or name]
        keys = item.get("sort_keys") or {}
        attributes = {
            "class": "card",
            "onclick": click,
            "data-name": name,
            **{f"data-sort-{key}": str(value) for key, value in keys.items()},
        }
        told = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
        picture = item.get("preview")
        shown = f'<img src="{html.escape(picture)}" class="preview" loading="lazy" alt="">' if picture else ""
        hidden = "".join(
            f'<span class="hidden search_terms">{html.escape(str(each))}</span>' for each in terms
        )
        description = html.escape(str(item.get("description") or ""))
        return (
            f'<div {told} role="button" tabindex="0">{shown}<div class="actions">'
            f'<div class="additional">{hidden}</div><span class="name">{html.escape(name)}</span>'
            f'<span class="description">{description}</span></div></div>'
        )

    def create_html(self, tabname, *, empty=False):
        """All cards."""
        if empty:
            return ""
        self.items = {item["name"]: item for item in self.list_items()}
        for item in self.items.values():
            if "user_metadata" not in item:
                self.read_user_metadata(item)
        return "".join(self.create_item_html(tabname, each) for each in self.items.values())

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
