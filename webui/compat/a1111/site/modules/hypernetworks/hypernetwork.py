# pyright: basic
"""Hypernetworks: the run applies those that prompts name."""

from pathlib import Path

from webui.compat.a1111.facades import reaching
from webui.compat.a1111.facades.stand_ins import StandIn, absent
from webui.core.model_file import ModelKind
from webui.library.catalog.hypernetwork_files import hypernetwork_files

RUN = "Write <hypernet:name:1> into the prompt, and the run applies it. Train in the tab Training."


def list_hypernetworks(path):
    """Names of files in a folder, with their paths; the catalog knows those of the program's folders."""
    services = reaching.services()
    wanted = Path(path).absolute()
    if services is not None and wanted in services.catalog.folders.roots:
        services.catalog.settle(ModelKind.HYPERNETWORK)
        files = hypernetwork_files(services.catalog)
        return {name: str(file.path) for name, file in files.items()}
    found = sorted(wanted.rglob("*.pt"), key=lambda file: file.stem.lower())
    return {file.stem: str(file) for file in found if file.stem != "None"}


def load_hypernetwork(name):
    return None


def load_hypernetworks(names, multipliers=None) -> None:
    """Nothing to do: prompts name them."""


def find_closest_hypernetwork_name(search: str):
    """The name that holds a text, the shortest first; None without one."""
    from modules import shared

    found = sorted((name for name in shared.hypernetworks if search in name), key=len)
    return found[0] if search and found else None


def apply_single_hypernetwork(hypernetwork, context_k, context_v, layer=None):
    """None of ours is applied so."""
    return context_k, context_v


def apply_hypernetworks(hypernetworks, context, layer=None):
    """Keys' and values' context: none is applied so, as the run applies them itself."""
    context_k = context_v = context
    for each in hypernetworks or ():
        context_k, context_v = apply_single_hypernetwork(each, context_k, context_v, layer)
    return context_k, context_v


class Hypernetwork:
    """A1111's class of trained ones, for annotations."""

    filename = None
    name = None

    def __init__(self, name=None, *args, **kwargs):
        StandIn("modules.hypernetworks.hypernetwork.Hypernetwork", RUN)()


class HypernetworkModule:
    def __init__(self, *args, **kwargs):
        StandIn("modules.hypernetworks.hypernetwork.HypernetworkModule", RUN)()


optimizer_dict = {}
attention_CrossAttention_forward = StandIn(
    "modules.hypernetworks.hypernetwork.attention_CrossAttention_forward", RUN
)
stack_conds = StandIn("modules.hypernetworks.hypernetwork.stack_conds", RUN)
create_hypernetwork = StandIn("modules.hypernetworks.hypernetwork.create_hypernetwork", RUN)
train_hypernetwork = StandIn("modules.hypernetworks.hypernetwork.train_hypernetwork", RUN)
statistics = StandIn("modules.hypernetworks.hypernetwork.statistics", RUN)
report_statistics = StandIn("modules.hypernetworks.hypernetwork.report_statistics", RUN)
save_hypernetwork = StandIn("modules.hypernetworks.hypernetwork.save_hypernetwork", RUN)


def __getattr__(name):
    if name in ("shared", "devices", "hashes", "errors", "sd_models"):
        import importlib

        return importlib.import_module(f"modules.{name}")
    absent("modules.hypernetworks.hypernetwork", name)
