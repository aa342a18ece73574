"""What is asked for when an embedding or a hypernetwork is made, to be trained later."""

from webui.core.request_parts import Frozen
from webui.core.work.training_run import TrainingRun


class TrainingCreateRequest(Frozen):
    """The file that `run` would begin with, under its name; `replaces`: a file of that name may go."""

    run: TrainingRun
    replaces: bool = False
