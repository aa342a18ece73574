"""The object that A1111 calls `sd_model`: what is known of the checkpoint, and its networks once loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self

import torch
from torch import Tensor

from webui.compat.a1111.facades import checkpoints, encoders, number_formats, reaching, running_context
from webui.compat.a1111.facades.stand_ins import refuse
from webui.core.errors import InvalidRequest
from webui.core.model_file import Family, ModelFile
from webui.diffusion.conditioning import PromptEmbedding
from webui.diffusion.text_encoder import EncodingOptions, PictureSize
from webui.prompts.chunks import Chunking, PromptChunk, chunk_text
from webui.prompts.tokenizer import clip_tokenizer

if TYPE_CHECKING:
    from webui.models.loaded_model import LoadedCheckpoint
    from webui.models.manager import ModelManager

LATENT_CHANNELS = 4
UNKNOWN_WORD = 49407
LOADING = "Loading the checkpoint"
HOOKS = (
    "Layers of the original code do not exist here: write a plugin with the hook prepare_denoising "
    "(docs/hooks.md) in its place."
)
NOT_LOADED = "The checkpoint's networks are not in memory. Select this checkpoint, and make a picture first."


class Placed:
    """What extensions move between devices and formats: where weights lie is the program's matter."""

    training = False

    def to(self, *args: object, **kwargs: object) -> Self:
        """Itself."""
        return self

    def cpu(self) -> Self:
        """Itself."""
        return self

    cuda = half = float = eval = train = requires_grad_ = to


class SdModel(Placed):
    """A checkpoint as extensions see it. Attributes may be added; networks are loaded when asked for."""

    cond_stage_key = "crossattn"
    latent_channels = LATENT_CHANNELS
    lowvram = False
    ztsnr = False

    def __init__(self, file: ModelFile) -> None:
        """Of a file of the catalog. Loads nothing."""
        self.file = file
        self.sd_checkpoint_info = checkpoints.info_of(file)
        for name, value in checkpoints.family_flags(file.family).items():
            setattr(self, name, value)
        self.is_inpainting_model = file.is_inpainting
        self.is_sdxl_inpaint = file.is_inpainting and file.family is Family.SDXL
        self.filename = str(file.path)
        self.used_config = str(file.path.with_suffix(".yaml"))
        self.model = DiffusionWrapper(self)
        self.network_layer_mapping: dict[str, Any] = {}
        self.embedding_layer_mapping: dict[str, Any] = {}

    @property
    def sd_model_hash(self) -> str | None:
        """The first 10 digits of its SHA-256, None until it is known."""
        return self.sd_checkpoint_info.shorthash

    @property
    def sd_model_checkpoint(self) -> str:
        """Its file."""
        return self.sd_checkpoint_info.filename

    @property
    def parameterization(self) -> str:
        """What it predicts: "eps" or "v"; once it is loaded, as it was found out then."""
        found = held_checkpoint(self.file)
        return str(found.prediction if found else self.file.prediction or "eps")

    @property
    def loaded(self) -> LoadedCheckpoint:
        """Its networks. Raises InvalidRequest where they cannot be had yet."""
        return loaded_checkpoint(self.file)

    @property
    def first_stage_model(self) -> torch.nn.Module:
        """The VAE that is held for it."""
        return loaded_vae().module

    @property
    def cond_stage_model(self) -> TextModel:
        """Its text encoders."""
        return TextModel(self)

    @property
    def conditioner(self) -> TextModel:
        """The same, of SDXL; others have none."""
        if not getattr(self, "is_sdxl", False):
            raise AttributeError("conditioner")
        return TextModel(self)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return number_formats.device()

    @property
    def dtype(self) -> torch.dtype:
        """The format of its network, where that is loaded."""
        found = held_checkpoint(self.file)
        return found.network.dtype if found else number_formats.network_dtype()

    @property
    def alphas_cumprod(self) -> Tensor:
        """(1000,) float32 on the device."""
        return self.loaded.alphas_cumprod.to(self.device)

    @property
    def alphas_cumprod_original(self) -> Tensor:
        """The same."""
        return self.alphas_cumprod

    @torch.no_grad()
    def get_learned_conditioning(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a tensor, or a table of them
        """Texts encoded: (B, T, D), of SDXL a table of that and of the vector."""
        size = PictureSize(getattr(texts, "width", 1024) or 1024, getattr(texts, "height", 1024) or 1024)
        image = reaching.settings().image
        options = EncodingOptions(
            emphasis=image.emphasis,
            clip_skip=image.clip_skip,
            comma_backtrack=image.comma_padding_backtrack,
            size=size,
        )
        is_negative = bool(getattr(texts, "is_negative_prompt", False))
        loaded = self.loaded

        def read() -> list[PromptEmbedding]:
            return loaded.read_text(
                lambda: loaded.text_encoder.encode(list(texts), options, is_negative=is_negative)
            )

        rows = running_context.on_device(read, "Reading a prompt")
        crossattn = torch.stack([row.crossattn for row in rows])
        vectors = [row.vector for row in rows if row.vector is not None]
        return {"crossattn": crossattn, "vector": torch.stack(vectors)} if vectors else crossattn

    def __call__(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - as above
        """The same."""
        return self.get_learned_conditioning(texts)

    @property
    def cond_stage_model_empty_prompt(self) -> Tensor:
        """The empty text encoded: (1, 77, D)."""
        found = self.get_learned_conditioning([""])
        return found["crossattn"] if isinstance(found, dict) else found

    def encode_first_stage(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] to what `get_first_stage_encoding` takes."""
        return running_context.on_device(
            lambda: loaded_vae().encode((images.float() + 1) / 2), "Encoding a picture"
        )

    @staticmethod
    def get_first_stage_encoding(encoding: Tensor) -> Tensor:
        """Latents (B, 4, h, w) as samplers take them."""
        return encoding

    def decode_first_stage(self, latents: Tensor) -> Tensor:
        """Latents (B, 4, h, w) to images (B, 3, H, W) in [-1, 1], float32 on the CPU."""
        return running_context.on_device(lambda: loaded_vae().decode(latents) * 2 - 1, "Decoding a latent")

    def apply_model(self, latent: Tensor, timestep: Tensor, cond: Any) -> Tensor:  # noqa: ANN401 - A1111's conditioning
        """The network's answer: latent (B, C, h, w), timestep (B,), to (B, 4, h, w)."""
        crossattn, vector = split_conditioning(cond)
        concat = cond.get("c_concat") if isinstance(cond, dict) else None
        if concat and self.loaded.network.in_channels > latent.shape[1]:
            latent = torch.cat([latent, *concat], dim=1)
        network = self.loaded.network
        return running_context.on_device(
            lambda: network(latent, timestep, crossattn, vector), "Running the network"
        )

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, torch.nn.Module]]:
        """The layers of its U-Net by diffusers' names, below A1111's place for it."""
        place = ".".join(part for part in (prefix, "model", "diffusion_model") if part)
        return self.model.diffusion_model.named_modules(prefix=place)

    def modules(self) -> Iterator[torch.nn.Module]:
        """The layers of its U-Net."""
        return self.model.diffusion_model.modules()

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The weights of its U-Net."""
        return self.model.diffusion_model.parameters()

    def __getattr__(self, name: str) -> NoReturn:
        """Raises AttributeError, so that code that asks whether there is something is told."""
        raise AttributeError(f"The checkpoint has no {name!r} here.")


class DiffusionWrapper(Placed):
    """A1111's `sd_model.model`."""

    conditioning_key = "crossattn"

    def __init__(self, owner: SdModel) -> None:
        """Of a checkpoint."""
        self._owner = owner
        if owner.file.is_inpainting:
            self.conditioning_key = "hybrid"

    @property
    def diffusion_model(self) -> torch.nn.Module:
        """The U-Net: diffusers' module, whose layers have other names than in A1111."""
        return self._owner.loaded.network.unet

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._owner.device

    def state_dict(self) -> dict[str, Any]:
        """The U-Net's weights by diffusers' names."""
        return self.diffusion_model.state_dict()

    def __getattr__(self, name: str) -> NoReturn:
        """Raises AttributeError."""
        raise AttributeError(f"The checkpoint's network has no {name!r} here.")


class TextModel(Placed):
    """A1111's `cond_stage_model` and `conditioner`: reads texts."""

    is_trainable = False
    chunk_length = 75
    id_start, id_end, id_pad = 49406, UNKNOWN_WORD, UNKNOWN_WORD

    def __init__(self, owner: SdModel, tower: int | None = None) -> None:
        """Of a checkpoint, and one of its encoders; None for all of them together."""
        self._owner = owner
        self._tower = tower

    @property
    def tokenizer(self) -> Any:  # noqa: ANN401 - ours, whose `encode` gives ids
        """The tokenizer."""
        return clip_tokenizer()

    @property
    def embedders(self) -> list[TextModel]:
        """SDXL's encoders; others have none, as in A1111."""
        if not getattr(self._owner, "is_sdxl", False):
            raise AttributeError("embedders")
        return [TextModel(self._owner, at) for at in range(len(encoders.kinds_of(self._owner.file.family)))]

    @property
    def wrapped(self) -> torch.nn.Module:
        """The encoder as the original code's class: its tokenizer, and the network's own words."""
        owner, tower = self._owner, self._tower or 0
        return encoders.view(owner.file.family, tower, lambda: owner.loaded.text_encoder.towers[tower])

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, without marks."""
        return [clip_tokenizer().encode(text) for text in texts]

    def tokenize_line(self, line: str) -> tuple[list[PromptChunk], int]:
        """The chunks of 77 tokens of a text, its weights read, and how many tokens it has."""
        tokenizer, services = clip_tokenizer(), reaching.services()
        embeddings = services.embedding_names(line, tokenizer) if services else None
        read = chunk_text(line, Chunking(tokenizer, embeddings=embeddings))
        return list(read.chunks), read.token_count

    def process_texts(self, texts: Sequence[str]) -> tuple[list[list[PromptChunk]], int]:
        """The chunks of each text, and the tokens of the longest."""
        read = [self.tokenize_line(text) for text in texts]
        return [chunks for chunks, _ in read], max((count for _, count in read), default=0)

    def get_target_prompt_token_count(self, token_count: int) -> int:
        """How many tokens the chunks that so many need have room for."""
        return max(-(-token_count // self.chunk_length), 1) * self.chunk_length

    def encode_embedding_init_text(self, init_text: str, nvpt: int) -> Tensor:
        """The vectors (T, D) of a text's words, at most `nvpt`; of SDXL's encoders side by side."""
        towers = self._owner.loaded.text_encoder.towers
        chosen = towers if self._tower is None else [towers[self._tower]]
        ids = torch.tensor(clip_tokenizer().encode(init_text)[:nvpt], dtype=torch.long)
        return torch.cat([encoders.vectors_of(tower, ids) for tower in chosen], dim=1)

    def get_learned_conditioning(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a tensor, or a table of them
        """Texts encoded."""
        return self._owner.get_learned_conditioning(texts)

    def __call__(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a tensor, or a table of them
        """Texts encoded."""
        return self._owner.get_learned_conditioning(texts)

    forward = __call__

    def encode_with_transformers(self, tokens: Tensor) -> Tensor:
        """Raises NotOffered."""
        refuse("sd_model.cond_stage_model.encode_with_transformers", HOOKS)


def split_conditioning(cond: Any) -> tuple[Tensor, Tensor | None]:  # noqa: ANN401 - A1111's conditioning
    """Text states and, of SDXL, the vector."""
    if not isinstance(cond, dict):
        return cond, None
    if "crossattn" in cond:
        return cond["crossattn"], cond.get("vector")
    crossattn = cond["c_crossattn"]
    return (torch.cat(list(crossattn), 1) if isinstance(crossattn, list) else crossattn), cond.get("vector")


def models_of_device() -> ModelManager | None:
    """The holder of loaded weights; None before the first run."""
    context = running_context.known()
    return context.models if context else None


def held_checkpoint(file: ModelFile) -> LoadedCheckpoint | None:
    """A file's networks, if they are held."""
    models = models_of_device()
    held = models.loaded() if models else []
    return next((each for each in reversed(held) if each.file.path == file.path), None)


def loaded_checkpoint(file: ModelFile) -> LoadedCheckpoint:
    """The same; loaded if they are not held. Raises InvalidRequest where they cannot be had yet."""
    found = held_checkpoint(file)
    if found is None:
        running_context.on_device(checkpoints.load_selected, LOADING)
        found = held_checkpoint(file)
    if found is None:
        raise InvalidRequest(NOT_LOADED)
    return found


def loaded_vae() -> Any:  # noqa: ANN401 - webui.models.vae.vae.Vae
    """The VAE that was used last. Raises InvalidRequest where none is held."""
    # Brings diffusers' VAE, which only those need who ask for it.
    from webui.models.vae.vae import Vae

    models = models_of_device()
    held = [value for value in models.holder.values() if isinstance(value, Vae)] if models else []
    if not held:
        running_context.on_device(checkpoints.load_selected, LOADING)
        models = models_of_device()
        held = [value for value in models.holder.values() if isinstance(value, Vae)] if models else []
    if not held:
        raise InvalidRequest(NOT_LOADED)
    return held[-1]


class ModelData:
    """A1111's `model_data`: the checkpoint in use, made when it is first asked for."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.was_loaded_at_least_once = False
        self._model: SdModel | None = None
        self._given: Any = None

    def get_sd_model(self) -> Any:  # noqa: ANN401 - SdModel, or what an extension put in its place
        """The selected checkpoint; in a run the one that the run uses. None where there is no checkpoint."""
        if self._given is not None:
            return self._given
        file = checkpoint_in_use()
        if self._model is None or self._model.file != file:
            self._model = SdModel(file)
        self.was_loaded_at_least_once = True
        return self._model

    def set_sd_model(self, model: Any, already_loaded: bool = False) -> None:  # noqa: ANN401 - A1111's signature
        """Put another object in its place; None or one of ours takes it away again."""
        self._given = None if model is None or isinstance(model, SdModel) else model

    @property
    def sd_model(self) -> Any:  # noqa: ANN401 - as above
        """The same as `get_sd_model`."""
        return self.get_sd_model()

    @sd_model.setter
    def sd_model(self, model: Any) -> None:  # noqa: ANN401 - as above
        self.set_sd_model(model)

    @property
    def loaded_sd_models(self) -> list[Any]:
        """All checkpoints that are held."""
        models = models_of_device()
        return [SdModel(each.file) for each in models.loaded()] if models else []

    @loaded_sd_models.setter
    def loaded_sd_models(self, models: object) -> None:
        """What is held is the program's matter."""


def checkpoint_in_use() -> ModelFile:
    """On the device's thread the checkpoint of the run, elsewhere the selected one. Raises ModelNotFound."""
    asked = running_context.model_of_run()
    if asked:
        return running_context.ready_services().catalog.find_checkpoint(asked)
    return checkpoints.selected_file()
