"""What takes the place of objects in pickles that are no weights, for their headers and for their loader."""

from collections.abc import Mapping


class Inert:
    """Takes the place of an object that is no weight: holds nothing, does nothing."""

    __slots__ = ()

    def __init__(self, *_: object) -> None:
        """Ignore what the pickle gives."""

    def __setstate__(self, _: object) -> None:
        """Ignore the state in the pickle."""


class ParameterTable(dict[object, object]):
    """Takes the place of torch's ParameterDict, in which the first embeddings keep their vectors."""

    def __setstate__(self, state: object) -> None:
        """Keep the parameters; a module's other state means nothing here."""
        if isinstance(state, Mapping) and isinstance(parameters := state.get("_parameters"), Mapping):
            self.update(parameters)


PARAMETER_TABLE = "torch.nn.modules.container.ParameterDict"
# PyTorch Lightning wrote its callbacks and numpy scores beside the weights of the first Stable Diffusion
# files.
BOOKKEEPING: tuple[str, ...] = (
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
)
