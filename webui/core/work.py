"""Every kind of work that the queue takes."""

from webui.core.caption_request import CaptionRequest
from webui.core.decode_request import DecodeRequest
from webui.core.extras_request import ExtrasRequest
from webui.core.models_request import ModelsRequest
from webui.core.request import GenerationRequest
from webui.core.series import Series
from webui.core.training_create import TrainingCreateRequest
from webui.core.training_run import TrainingRun
from webui.core.training_sample import TrainingSampleRequest

WorkRequest = (
    GenerationRequest
    | DecodeRequest
    | ExtrasRequest
    | Series
    | ModelsRequest
    | TrainingRun
    | TrainingSampleRequest
    | TrainingCreateRequest
    | CaptionRequest
)
