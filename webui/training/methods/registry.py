"""From a method's name to what it trains."""

from collections.abc import Callable, Mapping

from webui.core.training_run import TrainingRun
from webui.training.methods.adapters import make_layers
from webui.training.methods.control import TrainableControlNet
from webui.training.methods.hypernetwork import TrainableHypernetwork
from webui.training.methods.inversion import TrainableInversion
from webui.training.methods.trainable import Trainable
from webui.training.methods.whole import TrainableCheckpoint
from webui.training.networks import TrainingNetworks

OTHERS: Mapping[str, Callable[[TrainingRun, TrainingNetworks], Trainable]] = {
    "textual_inversion": TrainableInversion,
    "hypernetwork": TrainableHypernetwork,
    "dreambooth": TrainableCheckpoint,
    "finetune": TrainableCheckpoint,
    "controlnet": TrainableControlNet,
}
LAYER_METHODS = frozenset({"lora", "locon", "loha", "lokr", "dora"})


def make_trainable(run: TrainingRun, networks: TrainingNetworks) -> Trainable:
    """What a filled run trains, which acts on the networks once it is attached.

    `run.start_from` is a path by then. Raises InvalidRequest, UnusableFile.
    """
    if run.method in LAYER_METHODS or (run.method == "dreambooth" and run.as_lora):
        return make_layers(run, networks)
    return OTHERS[run.method](run, networks)
