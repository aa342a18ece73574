"""Names of the original code (`ldm`, `sgm`): they can be imported, and nothing here is made of them."""

from torch import nn

from webui.compat.a1111.facades.stand_ins import StandIn, absent, refuse

__all__ = ["absent", "name_class", "name_function"]

INSTEAD = (
    "Networks here are diffusers': change them in a plugin with the hook prepare_denoising (docs/hooks.md), "
    "or look for the feature in the page first; most that such extensions bring is part of it."
)


def name_class(name: str) -> type[nn.Module]:
    """A class to derive from and to ask for in isinstance; it cannot be made."""

    def refuse_instance(self: object, *args: object, **kwargs: object) -> None:
        refuse(name, INSTEAD)

    module, _, short = name.rpartition(".")
    members = {"__init__": refuse_instance, "__module__": module, "__doc__": INSTEAD}
    return type(short, (nn.Module,), members)


def name_function(name: str) -> StandIn:
    """A function whose call raises the sentence."""
    return StandIn(name, INSTEAD)
