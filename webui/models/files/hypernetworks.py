"""Hypernetwork files as A1111 writes them, and the list of them."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules import activation as activations

from webui.core.errors import UnusableFile
from webui.core.model_file import ModelFile
from webui.diffusion.adapters.hypernetwork import Hypernetwork
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.hypernetwork_files import hypernetwork_files
from webui.models.files.pickles import load_pickle
from webui.models.network_holder import Loading, NetworkLeases, SizedValue

# Names that mean another class than the one called so.
_OTHER_NAMES = {"swish": "hardswish", "linear": "", "none": ""}
_LAYER = re.compile(r"(?:linear\.(\d+)|linear([12]))\.(weight|bias)")
MATRIX = 2


class Hypernetworks:
    """Finds and reads hypernetworks. Belongs to the device thread."""

    def __init__(self, catalog: Catalog) -> None:
        """Looks at the catalog when a prompt names one."""
        self._catalog = catalog

    def find(self, name: str) -> ModelFile | None:
        """The file of a name; looks at the folders again before it gives up."""
        found = hypernetwork_files(self._catalog).get(name)
        if found is None and name:
            self._catalog.scan()
            found = hypernetwork_files(self._catalog).get(name)
        return found

    def read(self, file: ModelFile, device: torch.device, leases: NetworkLeases) -> Hypernetwork:
        """A hypernetwork on a device. Raises UnusableFile."""

        def load(_: torch.device) -> SizedValue[Hypernetwork]:
            # Small, and called from within the U-Net's layers: it is never moved away.
            found = read_hypernetwork(file.path, device)
            return SizedValue(found, (*found.for_keys.values(), *found.for_values.values()))

        key = ("hypernetwork", file.path, file.size, file.mtime_ns)
        return leases.take(key, load, Loading(file.name, file.size)).value


def read_hypernetwork(path: Path, device: torch.device) -> Hypernetwork:
    """The network in a file. Raises UnusableFile."""
    content = load_pickle(path)
    if not isinstance(content, Mapping):
        raise UnusableFile(f"{path.name} is no hypernetwork: it holds no table.")
    activation = find_activation(content.get("activation_func"), path.name)
    activates_last = bool(content.get("activate_output", True))
    keys: dict[int, nn.Module] = {}
    values: dict[int, nn.Module] = {}
    for width, pair in content.items():
        if isinstance(width, int) and isinstance(pair, list | tuple):
            keys[width], values[width] = (
                Layers(tensors, activation, activates_last, path.name).to(device) for tensors in pair[:2]
            )
    if not keys:
        raise UnusableFile(f"{path.name} is no hypernetwork: it has no layers for any width.")
    return Hypernetwork(keys, values)


def find_activation(name: object, file_name: str) -> nn.Module | None:
    """The activation between layers, None for none. Raises UnusableFile for names that torch lacks."""
    wanted = str(name).lower() if name is not None else ""
    wanted = _OTHER_NAMES.get(wanted, wanted)
    if not wanted:
        return None
    known: dict[str, type[nn.Module]] = {
        key.lower(): kind
        for key, kind in inspect.getmembers(activations, inspect.isclass)
        if issubclass(kind, nn.Module) and kind.__module__ == activations.__name__
    }
    kind = known.get(wanted)
    if kind is None:
        raise UnusableFile(f"{file_name} uses the activation {name!r}, which is not known here.")
    try:
        return kind()
    except TypeError as error:
        raise UnusableFile(f"{file_name} uses {name!r}, which is no plain activation.") from error


class Layers(nn.Module):
    """A chain of linear layers, each followed by the activation and a layer norm where the file has one.

    Dropout is for training, so it is left out.
    """

    def __init__(
        self, tensors: object, activation: nn.Module | None, activates_last: bool, file_name: str
    ) -> None:
        """From one table of the file. Raises UnusableFile if it is of no such chain."""
        super().__init__()
        numbered = sort_layers(tensors)
        self.layers = nn.ModuleList()
        linear_count = sum(layer["weight"].ndim == MATRIX for layer in numbered)
        done = 0
        for layer in numbered:
            is_linear = layer["weight"].ndim == MATRIX
            self.layers.append(_linear(layer) if is_linear else _norm(layer))
            done += is_linear
            if is_linear and activation is not None and (done < linear_count or activates_last):
                self.layers.append(activation)
        if not linear_count:
            raise UnusableFile(f"{file_name} is damaged: a table of it has no layers.")
        self.requires_grad_(False).eval()

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) to what is added, (B, T, D)."""
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens


def sort_layers(tensors: object) -> list[dict[str, Tensor]]:
    """Weight and bias of each layer in their order, float32."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items() if isinstance(tensors, Mapping) else ():
        match = _LAYER.fullmatch(str(name))
        if match and isinstance(tensor, Tensor):
            # The first files counted their two layers from 1.
            number = int(match[1]) if match[1] else int(match[2]) - 1
            found.setdefault(number, {})[match[3]] = tensor.float()
    return [found[number] for number in sorted(found) if found[number].keys() == {"weight", "bias"}]


def _linear(layer: Mapping[str, Tensor]) -> nn.Linear:
    weight = layer["weight"]
    module = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    module.load_state_dict(dict(layer), assign=True)
    return module


def _norm(layer: Mapping[str, Tensor]) -> nn.LayerNorm:
    module = nn.LayerNorm(layer["weight"].shape[0], device="meta")
    module.load_state_dict(dict(layer), assign=True)
    return module
