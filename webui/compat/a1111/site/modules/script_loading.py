"""Importing files by their paths."""

import os
from pathlib import Path

from modules import errors
from webui.compat.a1111.loading.modules import module_of_file

loaded_scripts = {}


def load_module(path):
    """The module of a file, under the file's name; it is in no `sys.modules`."""
    module = module_of_file(Path(path))
    loaded_scripts[path] = module
    return module


def preload_extensions(extensions_dir, parser, extension_list=None):
    """Let each extension of a folder add its flags to a parser."""
    if not os.path.isdir(extensions_dir):
        return
    names = extension_list if extension_list is not None else os.listdir(extensions_dir)
    for name in sorted(names):
        file = os.path.join(extensions_dir, name, "preload.py")
        if not os.path.isfile(file):
            continue
        try:
            module = load_module(file)
            if hasattr(module, "preload"):
                module.preload(parser)
        except Exception:
            errors.report(f"Error running preload() for {file}", exc_info=True)
