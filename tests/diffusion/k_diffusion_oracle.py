"""k-diffusion's samplers, without what its package would import besides (wandb, kornia, clip and others)."""

import importlib
import importlib.util
import sys
from types import ModuleType


def load(name: str) -> ModuleType:
    """A module of k-diffusion: "sampling", "external"."""
    if "k_diffusion" not in sys.modules:
        spec = importlib.util.find_spec("k_diffusion")
        assert spec is not None and spec.submodule_search_locations is not None, (
            "k-diffusion is not installed"
        )
        package = ModuleType("k_diffusion")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["k_diffusion"] = package
    return importlib.import_module(f"k_diffusion.{name}")
