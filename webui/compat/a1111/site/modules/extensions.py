"""The extensions as A1111 describes them."""

import importlib
import os
from pathlib import Path

from modules.paths_internal import extensions_builtin_dir, extensions_dir  # noqa: F401 - they are read from here
from webui.compat.a1111 import host as hosts
from webui.compat.a1111.loading.metadata import RULE_FIELDS, MetadataFile
from webui.compat.a1111.loading.repository import read_repository

extensions = []
extension_paths = {}
loaded_extensions = {}


class CallbackOrderInfo:
    """Before and after which others a callback is called."""

    def __init__(self, name, before, after):
        self.name = name
        self.before = before
        self.after = after


class ExtensionMetadata:
    """What an extension's `metadata.ini` says."""

    filename = "metadata.ini"

    def __init__(self, path, canonical_name):
        self.file = MetadataFile.read(Path(path), canonical_name)
        self.config = self.file.config
        self.canonical_name = self.file.name
        self.requires = self.get_script_requirements("Requires", "Extension")

    def get_script_requirements(self, field, section, extra_section=None):
        """Names in a field of one or two sections; of alternatives, the one that is here."""
        sections = [section] if extra_section is None else [section, extra_section]
        return self.file.names(field, sections, set(loaded_extensions))

    def parse_list(self, text):
        """Names with commas, spaces or lines between."""
        return self.file.split(text or "")

    def list_callback_order_instructions(self):
        """The rules on the order of callbacks."""
        for name in self.file.callbacks():
            before, after = (
                self.file.names(field, [f"callbacks/{name}"], set()) for field in RULE_FIELDS[1:]
            )
            yield CallbackOrderInfo(name, before, after)


class Extension:
    """An extension of A1111's."""

    cached_fields = ("remote", "commit_date", "branch", "commit_hash", "version")

    def __init__(self, name, path, enabled=True, is_builtin=False, metadata=None):
        self.name = name
        self.path = path
        self.enabled = enabled
        self.status = ""
        self.can_update = False
        self.is_builtin = is_builtin
        self.commit_hash = ""
        self.commit_date = None
        self.version = ""
        self.branch = None
        self.remote = None
        self.have_info_from_repo = False
        self.metadata = metadata if metadata else ExtensionMetadata(path, name.lower())
        self.canonical_name = self.metadata.canonical_name

    def to_dict(self):
        return {each: getattr(self, each) for each in self.cached_fields}

    def from_dict(self, d):
        for each in self.cached_fields:
            setattr(self, each, d[each])

    def read_info_from_repo(self):
        """Read where it comes from, once."""
        if self.is_builtin or self.have_info_from_repo:
            return
        self.do_read_info_from_repo()

    def do_read_info_from_repo(self):
        found = read_repository(Path(self.path))
        self.have_info_from_repo = True
        if found is None:
            self.status = ""
            return
        self.status = "unknown"
        self.remote, self.branch = found.remote, found.branch
        self.commit_hash, self.commit_date = found.commit, found.commit_date
        self.version = found.commit[:8]

    def list_files(self, subdir, extension):
        """Files in a folder of the extension, by an end of their names."""
        scripts = importlib.import_module("modules.scripts")
        folder = os.path.join(self.path, subdir)
        if not os.path.isdir(folder):
            return []
        found = [
            scripts.ScriptFile(self.path, name, os.path.join(folder, name))
            for name in sorted(os.listdir(folder))
        ]
        return [
            each
            for each in found
            if os.path.splitext(each.path)[1].lower() == extension and os.path.isfile(each.path)
        ]

    def check_updates(self):
        """The Extensions tab asks for updates."""
        self.can_update = False
        self.status = "unknown"

    def fetch_and_reset_hard(self, commit="origin"):
        """Raises RuntimeError: the Extensions tab updates."""
        raise RuntimeError("Extensions are updated on the Extensions tab, which keeps the version before.")


def list_extensions():
    """Read anew which extensions there are."""
    extensions.clear()
    extension_paths.clear()
    loaded_extensions.clear()
    for each in hosts.current().folders if hosts.is_running() else ():
        if each.is_loose:
            continue
        metadata = ExtensionMetadata(str(each.folder), each.canonical_name)
        made = Extension(each.name, str(each.folder), True, each.is_built_in, metadata)
        extensions.append(made)
        extension_paths[made.path] = made
        loaded_extensions[made.canonical_name] = made


def active():
    """Those that run."""
    return [each for each in extensions if each.enabled]


def find_extension(filename):
    """The extension that a file belongs to."""
    path = os.path.dirname(os.path.realpath(filename))
    for folder, each in extension_paths.items():
        real = os.path.realpath(folder)
        if path == real or path.startswith(real + os.sep):
            return each
    return None


list_extensions()
