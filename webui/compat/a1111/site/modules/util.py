"""Files and names."""

import os
import re

from modules import shared_cmd_options  # noqa: F401 - A1111's has it
from modules.paths_internal import cwd, script_path


def natural_sort_key(s, regex=re.compile("([0-9]+)")):
    """Sorts "a2" before "a10"."""
    return [int(text) if text.isdigit() else text.lower() for text in regex.split(s)]


def listfiles(dirname):
    """Paths of the files in a folder, but for hidden ones."""
    names = sorted(os.listdir(dirname), key=natural_sort_key)
    paths = [os.path.join(dirname, name) for name in names if not name.startswith(".")]
    return [path for path in paths if os.path.isfile(path)]


def html_path(filename):
    """Where a page of A1111's would lie."""
    return os.path.join(script_path, "html", filename)


def html(filename):
    """A page beside the program; "" where there is none."""
    path = html_path(filename)
    try:
        with open(path, encoding="utf8") as file:
            return file.read()
    except OSError:
        return ""


def walk_files(path, allowed_extensions=None):
    """Paths of files below a folder, in natural order."""
    if not os.path.exists(path):
        return
    wanted = {each.lower() for each in allowed_extensions} if allowed_extensions is not None else None
    places = sorted(os.walk(path, followlinks=True), key=lambda place: natural_sort_key(place[0]))
    for root, _, files in places:
        for name in sorted(files, key=natural_sort_key):
            if wanted is not None and os.path.splitext(name)[1].lower() not in wanted:
                continue
            hidden = any(
                part.startswith(".") for part in os.path.relpath(root, path).split(os.sep) if part != "."
            )
            if not hidden:
                yield os.path.join(root, name)


def ldm_print(*args):
    """Printed only by libraries that are not here."""


def truncate_path(target_path, base_path=cwd):
    """A path as seen from a folder, if it lies below it."""
    target, base = os.path.abspath(target_path), os.path.abspath(base_path)
    try:
        if os.path.commonpath([target, base]) == base:
            return os.path.relpath(target, base)
    except ValueError:
        pass
    return target


class MassFileListerCachedDir:
    """What is in one folder, as it was when first asked for."""

    def __init__(self, dirname):
        self.files = {}
        self.files_cased = {}
        self.dirname = dirname
        try:
            stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir(dirname)]
        except OSError:
            stats = []
        for name, stat in stats:
            self.files_cased[name] = (name, stat.st_mtime, stat.st_ctime)
            self.files[name.lower()] = self.files_cased[name]

    def update_entry(self, filename):
        """Look at one file again."""
        path = os.path.join(self.dirname, filename)
        try:
            stat = os.stat(path)
        except OSError:
            self.files_cased.pop(filename, None)
            self.files.pop(filename.lower(), None)
            return
        self.files_cased[filename] = (filename, stat.st_mtime, stat.st_ctime)
        self.files[filename.lower()] = self.files_cased[filename]


class MassFileLister:
    """Asks about many files of a few folders quickly."""

    def __init__(self):
        self.cached_dirs = {}

    def find(self, path):
        """(name, mtime, ctime) of a file, None if there is none."""
        dirname, filename = os.path.split(path)
        cached = self.cached_dirs.get(dirname)
        if cached is None:
            cached = self.cached_dirs[dirname] = MassFileListerCachedDir(dirname)
        return cached.files_cased.get(filename) or cached.files.get(filename.lower())

    def exists(self, path):
        return self.find(path) is not None

    def mctime(self, path):
        """(mtime, ctime) of a file; zeros if there is none."""
        found = self.find(path)
        return (0, 0) if found is None else found[1:3]

    def reset(self):
        self.cached_dirs.clear()

    def update_file_entry(self, path):
        dirname, filename = os.path.split(path)
        if dirname in self.cached_dirs:
            self.cached_dirs[dirname].update_entry(filename)


def topological_sort(dependencies):
    """Keys of a dict of lists, those first on which others depend; circles are broken somewhere."""
    visited, order = {}, []

    def visit(name):
        visited[name] = True
        for each in dependencies.get(name, []):
            if each in dependencies and each not in visited:
                visit(each)
        order.append(name)

    for name in dependencies:
        if name not in visited:
            visit(name)
    return order


def open_folder(path):
    """The server opens no windows on its machine. Logs the path."""
    from modules import errors

    errors.print_error_explanation(f"The server opens no folders on its own screen; the folder is {path}")


def load_file_from_url(url, *, model_dir, progress=True, file_name=None, hash_prefix=None, re_download=False):
    """Download a file into a folder unless it is there; its path."""
    from urllib.parse import urlparse

    os.makedirs(model_dir, exist_ok=True)
    path = os.path.abspath(os.path.join(model_dir, file_name or os.path.basename(urlparse(url).path)))
    matches = True
    if hash_prefix and os.path.exists(path):
        matches = compare_sha256(path, hash_prefix)
    if re_download or not os.path.exists(path) or not matches:
        from torch.hub import download_url_to_file

        partial = path + ".part"
        download_url_to_file(url, partial, progress=progress)
        if hash_prefix and not compare_sha256(partial, hash_prefix):
            os.remove(partial)
            raise ValueError(f"What {url} gave has another hash than {hash_prefix}. The file was not kept.")
        os.replace(partial, path)
    return path


def compare_sha256(file_path, hash_prefix):
    """Whether the hash of a file begins so."""
    import hashlib

    with open(file_path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest.startswith(hash_prefix.strip().lower())
