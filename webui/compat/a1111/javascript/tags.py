"""The tags in the page's head that load the host's scripts and those of extensions, in order."""

from html import escape
from pathlib import Path
from urllib.parse import quote

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.javascript.order import ordered_scripts
from webui.plugins.community import BUILT_IN_FOLDER, CommunityFolder
from webui.plugins.loading import FOLDER

SCRIPTS = Path(__file__).parent / "scripts"
SCRIPTS_URL = "assets/a1111"
STATE_URL = "v1/a1111/state.js"
STYLE = "style.css"


def head_tags(host: ExtensionHost) -> str:
    """All tags: what the page was told, the host's scripts, then extensions' styles and scripts.

    None holds up the page while it loads, and all run in this order. They stand in the page's own HTML:
    scripts that Gradio adds later would run when all events of loading are over.
    """
    own = sorted(SCRIPTS.glob("*.js"))
    return "\n".join(
        [
            style_tag(f"{SCRIPTS_URL}/{STYLE}{stamp(SCRIPTS / STYLE)}"),
            script_tag(STATE_URL),
            *(script_tag(f"{SCRIPTS_URL}/{path.name}{stamp(path)}") for path in own),
            *(style_tag(address) for address in style_addresses(host)),
            *(script_tag(address) for address in script_addresses(host, ".js")),
            *(script_tag(address, is_module=True) for address in script_addresses(host, ".mjs")),
        ]
    )


def style_addresses(host: ExtensionHost) -> list[str]:
    """Addresses of the styles of extensions that run."""
    found = [(each, each.folder / STYLE) for each in host.folders]
    return [address_of(each, path) for each, path in found if path.is_file()]


def script_addresses(host: ExtensionHost, suffix: str) -> list[str]:
    """Addresses of their scripts, in order."""
    return [address_of(extension, path) for extension, path in ordered_scripts(host, suffix)]


def address_of(extension: CommunityFolder, path: Path) -> str:
    """The address of a file of an extension, another one after each change of the file."""
    home = BUILT_IN_FOLDER if extension.is_built_in else FOLDER
    within = path.relative_to(extension.folder).as_posix()
    return f"file={quote(f'{home}/{extension.folder.name}/{within}', errors='replace')}{stamp(path)}"


def stamp(path: Path) -> str:
    """The time of a file's last change, as the query of an address."""
    try:
        return f"?{path.stat().st_mtime}"
    except OSError:
        return ""


def script_tag(address: str, *, is_module: bool = False) -> str:
    """A script that runs once the page is read, in order with the others."""
    return f'<script {"type=module" if is_module else "defer"} src="{escape(address)}"></script>'


def style_tag(address: str) -> str:
    """A style."""
    return f'<link rel="stylesheet" href="{escape(address)}">'
