# pyright: basic
"""Values that are kept between starts."""

import json
import os
import threading
from pathlib import Path

from webui.compat.a1111 import host
from webui.compat.a1111.facades import kept_values, reaching
from webui.compat.a1111.facades.stand_ins import absent

__all__ = ["json", "os", "threading"]

# By the host, so that another one begins anew.
caches = {}
cache_lock = threading.Lock()


def cache(subsection):
    """The values of a subsection, by their keys."""
    with cache_lock:
        owner = id(host.current())
        if owner not in caches:
            caches[owner] = kept_values.Caches(reaching.data_folder())
        return caches[owner].section(str(subsection))


def make_cache(subsection):
    return cache(subsection)


def dump_cache() -> None:
    """Nothing to do: values are written when they are set."""


def cached_data_for_file(subsection, title, filename, func):
    """What `func` made of a file; it is called again if the file changed since."""
    return kept_values.of_file(cache(subsection), str(title), Path(filename), func)


def __getattr__(name):
    if name in ("cache_dir", "cache_filename"):
        return str(reaching.data_folder() / kept_values.FILE)
    absent("modules.cache", name)
