"""Methods of training that extensions add."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webui.core.work.training_run import TrainingRun


@dataclass(frozen=True, slots=True)
class AddedTrainable:
    """A method: `name` as `trainable` of a TrainingRun has it, and `title` for people.

    `make` is given the filled run and the networks of its checkpoint (webui.training.networks), and makes a
    `Trainable` (webui.training.methods.trainable). What the run leaves open is as for the run's `method`.
    """

    name: str
    title: str
    # Any: of a floor above this one, as is what it makes.
    make: Callable[[TrainingRun, Any], Any]
