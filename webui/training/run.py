"""A training run from its request to the file that comes of it."""

from collections.abc import Generator

from webui.core.errors import InvalidRequest
from webui.core.events import Event
from webui.core.training_run import TrainingRun
from webui.plugins.context import Context


def train(run: TrainingRun, context: Context) -> Generator[Event]:
    """Everything that happens; the last event tells of the finished file. Raises WebuiError."""
    raise InvalidRequest(f"The method {run.method} of training is not there yet.")
    yield
