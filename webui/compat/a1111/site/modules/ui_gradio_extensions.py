"""The scripts and styles of the page."""
# pyright: basic

from pathlib import Path
from urllib.parse import quote


def webpath(fn):
    """The address of a file for the page, which changes with the file."""
    path = Path(fn)
    changed = path.stat().st_mtime if path.exists() else 0
    return f"file={quote(path.as_posix())}?{changed}"


def javascript_html():
    """The page's scripts are in its head already."""
    return ""


def css_html():
    """The page's styles are in its head already."""
    return ""


def reload_javascript():
    """The page asks for its scripts again whenever it is loaded."""
