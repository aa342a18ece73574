"""Scripts of A1111's own that extensions look for among the loaded ones: the X/Y/Z plot."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from webui.compat.a1111 import denoising

XYZ_GRID = Path(denoising.__file__).parents[1] / "site" / "scripts" / "xyz_grid.py"
# By which extensions import it.
MODULE = "scripts.xyz_grid"


def load_xyz_grid() -> ModuleType:
    """The module, made once; named by its file, as those of extensions are."""
    known = sys.modules.get(MODULE)
    if known is not None:
        return known
    loader = SourceFileLoader(XYZ_GRID.name, str(XYZ_GRID))
    spec = spec_from_loader(XYZ_GRID.name, loader)
    assert spec is not None, "a file has a spec"
    module = module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[MODULE]
        raise
    return module


def add_host_scripts(scripts_data: list[Any], make: Any) -> None:  # noqa: ANN401 - A1111's ScriptClassData
    """Put it into A1111's list of scripts, in front, if it is not there."""
    if any(Path(str(each.path)).name == XYZ_GRID.name for each in scripts_data):
        return
    module = load_xyz_grid()
    scripts_data.insert(0, make(module.Script, str(XYZ_GRID), str(XYZ_GRID.parents[1]), module))
