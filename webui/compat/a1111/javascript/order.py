"""The order in which extensions' scripts of the page are loaded."""

from pathlib import Path

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.loading.metadata import MetadataFile, rules_of, sort_by_rules
from webui.plugins.community import CommunityFolder

FOLDER = "javascript"


def ordered_scripts(host: ExtensionHost, suffix: str) -> list[tuple[CommunityFolder, Path]]:
    """Extensions' scripts that end so: by the extensions' order, then by name, as far as rules allow."""
    metadata = {each.folder: MetadataFile.read(each.folder, each.canonical_name) for each in host.folders}
    scripts: dict[str, tuple[CommunityFolder, Path]] = {}
    keys: dict[str, list[str]] = {}
    for each in host.folders:
        name = metadata[each.folder].name
        found = {f"{name}/{path.name.lower()}": (each, path) for path in scripts_of(each, suffix)}
        keys[name] = list(found)
        scripts |= found
    rules = [
        rules_of(metadata[extension.folder], key, path.name, keys, FOLDER)
        for key, (extension, path) in scripts.items()
    ]
    return [scripts[key] for key in sort_by_rules(rules)]


def scripts_of(extension: CommunityFolder, suffix: str) -> list[Path]:
    """The scripts of one extension: those that lie in its folder `javascript` itself."""
    try:
        files = sorted((extension.folder / FOLDER).iterdir())
    except OSError:
        return []
    return [path for path in files if path.suffix == suffix and path.is_file()]
