"""Florence-2 (Xiao et al. 2023): a sentence or a paragraph about a picture, by transformers' own network."""

from typing import Any

import torch
from PIL import Image
from torch import nn

from webui.core.work.caption_request import CaptionOptions, Detail
from webui.library.captioners.captioner import Captioner
from webui.models.captioning.description import Description, flatten
from webui.models.captioning.transformers_folder import DAMAGED, refuse
from webui.models.module_weights import weight_bytes
from webui.models.residency import Resident

# The marks it was trained with, by how much is wanted.
TASKS: dict[Detail, str] = {
    "short": "<CAPTION>",
    "detailed": "<DETAILED_CAPTION>",
    "long": "<MORE_DETAILED_CAPTION>",
}
# Its decoder was trained with 1024 words; a paragraph has a hundred.
MOST_TOKENS: dict[Detail, int] = {"short": 64, "detailed": 256, "long": 512}


class Florence2Captioner:
    """Florence-2 in memory. `resident` brings its weights to the device."""

    def __init__(
        self,
        captioner: Captioner,
        network: Any,  # noqa: ANN401 - as below
        processor: Any,  # noqa: ANN401 - as below
        resident: Resident,
    ) -> None:
        """Takes over a Florence2ForConditionalGeneration and its Florence2Processor.

        Any: what pyright makes of transformers' mix-ins lacks half of their methods.
        """
        self._captioner = captioner
        self.network = network
        self._processor = processor
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
        """Words about a picture, as much as the options want. Raises UnusableFile."""
        try:
            with self._resident.using():
                return Description(self._generate(flatten(image), options))
        except DAMAGED as error:
            raise refuse(self._captioner, error) from error

    def _generate(self, picture: Image.Image, options: CaptionOptions) -> str:
        task = TASKS[options.detail]
        given = self._processor(text=task, images=picture, return_tensors="pt")
        words = self.network.generate(
            input_ids=given["input_ids"].to(self.network.device),
            attention_mask=given["attention_mask"].to(self.network.device),
            pixel_values=given["pixel_values"].to(self.network.device, self.network.dtype),
            num_beams=options.beams,
            max_new_tokens=MOST_TOKENS[options.detail],
            do_sample=False,
            num_return_sequences=1,
        )
        return self._processor.tokenizer.decode(words[0], skip_special_tokens=True).strip()
