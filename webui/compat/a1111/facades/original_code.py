"""Names of the original code (`ldm`, `sgm`): they can be imported, and nothing here is made of them."""

from collections.abc import Sequence
from functools import cache

from torch import nn

from webui.compat.a1111.facades.stand_ins import StandIn, absent, refuse

__all__ = ["absent", "name_class", "name_each", "name_function"]

INSTEAD = (
    "Networks here are diffusers': change them in a plugin with the hook prepare_denoising (docs/hooks.md), "
    "or look for the feature in the page first; most that such extensions bring is part of it."
)


@cache
def name_class(name: str) -> type[nn.Module]:
    """A class, one for each name, to derive from and to ask for in isinstance; it cannot be made."""

    def refuse_instance(self: object, *args: object, **kwargs: object) -> None:
        refuse(name, INSTEAD)

    module, _, short = name.rpartition(".")
    members = {"__init__": refuse_instance, "__module__": module, "__doc__": INSTEAD}
    return type(short, (nn.Module,), members)


def name_function(name: str) -> StandIn:
    """A function whose call raises the sentence."""
    return StandIn(name, INSTEAD)


def name_each(
    module: str, *, classes: Sequence[str], functions: Sequence[str]
) -> dict[str, type[nn.Module] | StandIn]:
    """Several of a module by their names in it, as `name_class` and `name_function` make them."""
    return {
        **{name: name_class(f"{module}.{name}") for name in classes},
        **{name: name_function(f"{module}.{name}") for name in functions},
    }
