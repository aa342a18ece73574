"""From a method's name to what it trains."""

from collections.abc import Mapping

from webui.core.errors import InvalidRequest
from webui.core.work.training_run import TrainingRun
from webui.plugins.trainables import AddedTrainable
from webui.training.methods.adapters import make_layers
from webui.training.methods.control import TrainableControlNet
from webui.training.methods.hypernetwork import TrainableHypernetwork
from webui.training.methods.inversion import TrainableInversion
from webui.training.methods.trainable import Trainable
from webui.training.methods.whole import TrainableCheckpoint
from webui.training.networks import TrainingNetworks


def _make_dreambooth(run: TrainingRun, networks: TrainingNetworks) -> Trainable:
    return (make_layers if run.as_lora else TrainableCheckpoint)(run, networks)


OWN: Mapping[str, AddedTrainable] = {
    each.name: each
    for each in (
        AddedTrainable("lora", "LoRA", make_layers),
        AddedTrainable("locon", "LoCon", make_layers),
        AddedTrainable("loha", "LoHa", make_layers),
        AddedTrainable("lokr", "LoKr", make_layers),
        AddedTrainable("dora", "DoRA", make_layers),
        AddedTrainable("textual_inversion", "Textual inversion", TrainableInversion),
        AddedTrainable("hypernetwork", "Hypernetwork", TrainableHypernetwork),
        AddedTrainable("dreambooth", "DreamBooth", _make_dreambooth),
        AddedTrainable("finetune", "Fine-tune", TrainableCheckpoint),
        AddedTrainable("controlnet", "ControlNet", TrainableControlNet),
    )
}
NOTHING_ADDED: Mapping[str, AddedTrainable] = {}


def make_trainable(
    run: TrainingRun, networks: TrainingNetworks, added: Mapping[str, AddedTrainable] = NOTHING_ADDED
) -> Trainable:
    """What a filled run trains, which acts on the networks once it is attached.

    `run.start_from` is a path by then; `added` are extensions' methods. Raises InvalidRequest, UnusableFile.
    """
    name = run.trainable or run.method
    found = OWN.get(name) or added.get(name)
    if found is None:
        known = ", ".join((*OWN, *added))
        raise InvalidRequest(f"There is no method of training named {name!r}. Those here are: {known}.")
    return found.make(run, networks)
