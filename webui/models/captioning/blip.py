"""BLIP (Li et al. 2022): one sentence about a picture, by transformers' own network."""

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import BertTokenizer, BlipForConditionalGeneration, BlipImageProcessor

from webui.core.work.caption_request import CaptionOptions
from webui.library.captioners.captioner import Captioner
from webui.models.captioning.description import Description, flatten
from webui.models.captioning.transformers_folder import DAMAGED, refuse
from webui.models.module_weights import weight_bytes
from webui.models.residency import Resident


class BlipCaptioner:
    """BLIP in memory. `resident` brings its weights to the device."""

    def __init__(
        self,
        captioner: Captioner,
        network: BlipForConditionalGeneration,
        processor: BlipImageProcessor,
        tokenizer: BertTokenizer,
        resident: Resident,
    ) -> None:
        """Takes over a loaded network and what prepares its pictures and words."""
        self._captioner = captioner
        self.network = network
        self._processor = processor
        self._tokenizer = tokenizer
        self._resident = resident

    @property
    def size_bytes(self) -> int:
        """Memory that its weights take."""
        return weight_bytes([self.network])

    def modules(self) -> list[nn.Module]:
        """The network."""
        return [self.network]

    @torch.no_grad()
    def describe(self, image: Image.Image, options: CaptionOptions) -> Description:
        """A sentence about a picture. Raises UnusableFile."""
        try:
            with self._resident.using():
                words = self._generate(image, options)
            return Description(str(self._tokenizer.decode(words, skip_special_tokens=True)).strip())
        except DAMAGED as error:
            raise refuse(self._captioner, error) from error

    def _generate(self, image: Image.Image, options: CaptionOptions) -> Tensor:
        """The numbers of the words."""
        pixels = self._processor(images=flatten(image), return_tensors="pt")["pixel_values"]
        given = pixels.to(self.network.device, self.network.dtype)
        return self.network.generate(
            pixel_values=given,
            num_beams=options.beams,
            min_length=options.min_length,
            max_length=options.max_length,
            do_sample=False,
            num_return_sequences=1,
        )[0].cpu()
