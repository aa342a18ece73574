"""From a captioner's folder to a network in memory. Importing it loads no transformers."""

import logging
from contextlib import AbstractContextManager

import torch

from webui.library.captioners.captioner import Captioner, CaptionerSort
from webui.models.captioning.description import LoadedCaptioner
from webui.models.captioning.wd_tagger import load_tagger
from webui.models.network_holder import Loading, NetworkHolder
from webui.models.residency import Residency

logger = logging.getLogger(__name__)


def lease_captioner(captioner: Captioner, holder: NetworkHolder) -> AbstractContextManager[LoadedCaptioner]:
    """A captioner's network while the context is open, held in the budget of all networks."""

    def load(place: torch.device) -> LoadedCaptioner:
        return load_captioner(captioner, place, holder.residency)

    key = ("captioner", str(captioner.folder), captioner.size, captioner.mtime_ns)
    return holder.lease(key, load, Loading(captioner.name, captioner.size))


def load_captioner(captioner: Captioner, device: torch.device, residency: Residency) -> LoadedCaptioner:
    """A captioner's network on a device, moved as `residency` says.

    Raises UnusableFile, and NotOffered where something that it needs is not installed.
    """
    match captioner.sort:
        case CaptionerSort.WD_TAGGER:
            # Its weights are no tensors of torch's: ONNX Runtime holds them.
            return load_tagger(captioner, residency_device(residency, device))
        case CaptionerSort.BLIP:
            return load_blip(captioner, device, residency)
        case CaptionerSort.FLORENCE2:
            return load_florence2(captioner, device, residency)


def residency_device(residency: Residency, device: torch.device) -> torch.device:
    """Where a network that cannot wait elsewhere computes: on the processor, where memory is to be saved."""
    return device if not residency.can_move or device == residency.storage else torch.device("cpu")


def load_blip(captioner: Captioner, device: torch.device, residency: Residency) -> LoadedCaptioner:
    """BLIP. Raises UnusableFile."""
    # Seconds to load, which only who captions waits for; so below.
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

    from webui.models.captioning.blip import BlipCaptioner
    from webui.models.captioning.transformers_folder import DAMAGED, SAFELY, load_network, refuse

    network = load_network(captioner, BlipForConditionalGeneration, BlipConfig, device)
    try:
        processor = BlipImageProcessor.from_pretrained(str(captioner.folder), **SAFELY)
        tokenizer = BertTokenizer.from_pretrained(str(captioner.folder), **SAFELY)
    except DAMAGED as error:
        raise refuse(captioner, error) from error
    logger.info("Loaded %s (BLIP)", captioner.name)
    return BlipCaptioner(captioner, network, processor, tokenizer, residency.add([network]))


def load_florence2(captioner: Captioner, device: torch.device, residency: Residency) -> LoadedCaptioner:
    """Florence-2. Raises UnusableFile."""
    from transformers import Florence2Config, Florence2ForConditionalGeneration, Florence2Processor

    from webui.models.captioning.florence2 import Florence2Captioner
    from webui.models.captioning.transformers_folder import DAMAGED, SAFELY, load_network, refuse

    network = load_network(captioner, Florence2ForConditionalGeneration, Florence2Config, device)
    try:
        processor = Florence2Processor.from_pretrained(str(captioner.folder), **SAFELY)
    except DAMAGED as error:
        raise refuse(captioner, error) from error
    logger.info("Loaded %s (Florence-2)", captioner.name)
    return Florence2Captioner(captioner, network, processor, residency.add([network]))
