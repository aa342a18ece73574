"""The networks that a run trains: a checkpoint of its own in memory, so that pictures are made beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from webui.core.model_file import Family, ModelFile
from webui.diffusion.prediction import Prediction
from webui.diffusion.text_encoder import EncodingOptions, embed_numbers
from webui.models.cpu.precision import NumberFormats
from webui.models.loaded_model import LoadedModel
from webui.models.loader import load
from webui.training.data.batch import ShownSize

# What SDXL is told of sizes: height and width before, crop from the top and the left, height and width now.
SIZE_NUMBERS = 6


@dataclass(frozen=True, slots=True, eq=False)
class TextInput:
    """What cross attention reads, (B, T, D), and SDXL's vector (B, V), None of others; float32."""

    crossattn: Tensor
    vector: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class TrainingNetworks:
    """A checkpoint loaded for one run, shared with nothing else. `prediction` is the run's.

    No weight asks for gradients until whoever trains it says so.
    """

    model: LoadedModel
    prediction: Prediction

    @classmethod
    def load(
        cls, file: ModelFile, device: torch.device, numbers: NumberFormats, vae_file: ModelFile | None = None
    ) -> "TrainingNetworks":
        """From a checkpoint's file. Raises UnusableFile."""
        model = load(file, numbers, device, vae_file)
        for module in model.modules():
            module.requires_grad_(False)
        prediction = Prediction(model.prediction, model.alphas_cumprod)
        return cls(model, prediction.changed(zero_terminal_snr=model.is_zero_snr))

    @property
    def unet(self) -> torch.nn.Module:
        """diffusers' U-Net; `model.network.original_names` has its modules' names in the original code."""
        return self.model.network.unet

    @property
    def text_models(self) -> list[torch.nn.Module]:
        """transformers' text encoders, the first first."""
        return [tower.text_model for tower in self.model.text_encoder.towers]

    @property
    def family(self) -> Family:
        """The checkpoint's."""
        return self.model.family

    @property
    def device(self) -> torch.device:
        """Where it is trained."""
        return self.model.device

    def encode_text(self, captions: Sequence[str], clip_skip: int = 1) -> TextInput:
        """Captions as the network reads them, with gradients where they are enabled; see `tell_sizes`.

        Parentheses are words here and weigh nothing, as trainers have it.
        """
        options = EncodingOptions(emphasis="None", clip_skip=clip_skip)
        found = self.model.text_encoder.encode_for_training(captions, options)
        vectors = [each.vector for each in found if each.vector is not None]
        crossattn = torch.stack([each.crossattn for each in found])
        return TextInput(crossattn, torch.stack(vectors) if vectors else None)

    def tell_sizes(self, text: TextInput, sizes: Sequence[ShownSize]) -> TextInput:
        """The same with each picture's sizes in its vector, where the network is told of them."""
        rule = self.model.text_encoder.vector
        if text.vector is None or rule is None:
            return text
        told = [
            (s.original_height, s.original_width, s.crop_top, s.crop_left, s.height, s.width) for s in sizes
        ]
        rows = torch.stack([embed_numbers(each, rule.frequencies) for each in told]).to(text.vector)
        kept = text.vector[:, : text.vector.shape[1] - SIZE_NUMBERS * rule.frequencies]
        return replace(text, vector=torch.cat([kept, rows], dim=1))

    def predict(self, latent: Tensor, timestep: Tensor, text: TextInput, **residuals: object) -> Tensor:
        """What the U-Net answers to noisy latents (B, 4, h, w) at timesteps (B,): (B, 4, h, w).

        `residuals` are arguments of diffusers' U-Net, as a ControlNet adds them.
        """
        return self.unet(
            latent, timestep, text.crossattn, class_labels=text.vector, return_dict=False, **residuals
        )[0]
