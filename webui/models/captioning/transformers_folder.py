"""A network of transformers from a folder that anybody may have made: its numbers, and nothing that runs.

Of config.json only what describes the network is taken. It can also name program code, packages with kernels,
other files and methods of quantisation; all of that is left out. Weights are model.safetensors' alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import logging

from webui.core.errors import UnusableFile
from webui.core.lack_of_memory import is_lack_of_memory
from webui.library.captioners.captioner import Captioner
from webui.library.captioners.finding import CONFIG, read_config

# What transformers raises for folders whose files contradict each other.
DAMAGED = (
    OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError,
    AssertionError, ImportError, SafetensorError, StrictDataclassError,
)  # fmt: skip
# Besides names that begin with "_": what changes how a network is loaded, and not what it is.
LEFT_OUT = frozenset({
    "auto_map", "custom_pipelines", "quantization_config", "transformers_weights", "torch_dtype", "dtype",
    "fusion_config", "distributed_config", "attn_implementation", "experts_implementation", "torchscript",
    "pruned_heads", "tokenizer_class", "name_or_path",
})  # fmt: skip
# Files of a folder are read with these: nothing is asked of the internet, no code of theirs is run.
SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
Network = TypeVar("Network", bound=PreTrainedModel)


def clean_config(values: dict[str, Any]) -> dict[str, Any]:
    """What describes the network, in the parts of it too. Any: JSON values."""
    return {
        key: clean_config(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if not key.startswith("_") and key not in LEFT_OUT
    }


def load_network(
    captioner: Captioner, network: type[Network], config: type[PretrainedConfig], device: torch.device
) -> Network:
    """The network of a folder on a device, for use alone. Half precision on a card, else 32 bits.

    Raises UnusableFile.
    """
    values = clean_config(read_config(captioner.folder / CONFIG))
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    try:
        with without_bars():
            # pyright does not know what it gives with the report.
            answer: Any = network.from_pretrained(
                str(captioner.folder),
                config=config.from_dict(values),
                dtype=dtype,
                use_safetensors=True,
                weights_only=True,
                output_loading_info=True,
                **SAFELY,
            )
    except DAMAGED as error:
        raise refuse(captioner, error) from error
    loaded, report = answer
    missing = sorted(report["missing_keys"])
    if missing:
        raise UnusableFile(
            f"{captioner.name} is incomplete: {missing[0]} and {len(missing) - 1} more are missing in "
            "model.safetensors. Download it again."
        )
    loaded.requires_grad_(False)
    return place(loaded.eval(), device)


@contextmanager
def without_bars() -> Iterator[None]:
    """No bars of progress on the server's terminal while the context is open."""
    were_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if were_shown:
            logging.enable_progress_bar()


def place(network: Network, device: torch.device) -> Network:
    """The same network on a device."""
    nn.Module.to(network, device)
    return network


def refuse(captioner: Captioner, error: BaseException) -> UnusableFile:
    """The refusal of a damaged folder. Raises the error again where memory ran out."""
    if is_lack_of_memory(error):
        raise error
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UnusableFile(f"{captioner.name} is damaged or incomplete ({first[:200]}). Download it again.")
