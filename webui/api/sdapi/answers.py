"""What A1111's clients get, with A1111's names; classes are called as in its OpenAPI document."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of all answers."""

    # Some of A1111's names begin like methods of pydantic.
    model_config = ConfigDict(protected_namespaces=())


class ImagesAnswer(Answer):
    """Pictures in base64, what was asked, and A1111's `info`: JSON in a string."""

    images: list[str] | None = None
    parameters: dict[str, Any]
    info: str


class ExtrasSingleImageResponse(Answer):
    """What was done, as a paragraph of HTML, and the picture in base64."""

    html_info: str
    image: str | None = None


class ExtrasBatchImagesResponse(Answer):
    """What was done to the last picture, as a paragraph of HTML, and all pictures in base64."""

    html_info: str
    images: list[str]


class PNGInfoResponse(Answer):
    """The infotext, everything else found in the picture, and the infotext taken apart."""

    info: str
    items: dict[str, Any]
    parameters: dict[str, Any]


class ProgressResponse(Answer):
    """GET /sdapi/v1/progress."""

    progress: float
    eta_relative: float
    state: dict[str, Any]
    current_image: str | None = None
    textinfo: str | None = None


class SamplerItem(Answer):
    """A sampler."""

    name: str
    aliases: list[str]
    options: dict[str, str]


class SchedulerItem(Answer):
    """A schedule."""

    name: str
    label: str
    aliases: list[str] | None = None
    default_rho: float | None = None
    need_inner_model: bool | None = None


class UpscalerItem(Answer):
    """An upscaler of pictures."""

    name: str
    model_name: str | None = None
    model_path: str | None = None
    model_url: str | None = None
    scale: float | None = None


class LatentUpscalerModeItem(Answer):
    """An upscaler of latents."""

    name: str


class SDModelItem(Answer):
    """A checkpoint."""

    title: str
    model_name: str
    hash: str | None = None
    sha256: str | None = None
    filename: str
    config: str | None = None


class SDVaeItem(Answer):
    """A VAE."""

    model_name: str
    filename: str


class HypernetworkItem(Answer):
    """A hypernetwork."""

    name: str
    path: str | None = None


class FaceRestorerItem(Answer):
    """A face restorer."""

    name: str
    cmd_dir: str | None = None


class RealesrganItem(Answer):
    """A Real-ESRGAN network."""

    name: str
    path: str | None = None
    scale: int | None = None


class PromptStyleItem(Answer):
    """A prompt preset."""

    name: str
    prompt: str | None = None
    negative_prompt: str | None = None


class EmbeddingItem(Answer):
    """An embedding: `shape` is its width, `vectors` how many tokens it takes."""

    step: int | None = None
    sd_checkpoint: str | None = None
    sd_checkpoint_name: str | None = None
    shape: int
    vectors: int


class EmbeddingsResponse(Answer):
    """Embeddings that fit the selected checkpoint, and those that do not."""

    loaded: dict[str, EmbeddingItem]
    skipped: dict[str, EmbeddingItem]


class MemoryResponse(Answer):
    """Memory in bytes: of the machine, and of the card, or why nothing is known of it."""

    ram: dict[str, Any]
    cuda: dict[str, Any]


class ScriptsList(Answer):
    """Scripts that may be named in requests."""

    txt2img: list[Any] | None = None
    img2img: list[Any] | None = None


class ScriptArg(Answer):
    """One argument of a script."""

    label: str | None = None
    # Any: whatever the argument takes.
    value: Any = None
    minimum: Any = None
    maximum: Any = None
    step: Any = None
    choices: list[str] | None = None


class ScriptInfo(Answer):
    """A script and its arguments, in order."""

    name: str | None = None
    is_alwayson: bool | None = None
    is_img2img: bool | None = None
    args: list[ScriptArg]


class ExtensionItem(Answer):
    """An installed extension."""

    name: str
    remote: str
    branch: str
    commit_hash: str
    version: str
    commit_date: str
    enabled: bool


class InterrogateResponse(Answer):
    """What was said about the picture."""

    caption: str


class CreateResponse(Answer):
    """What became of an embedding or a hypernetwork that was to be made."""

    info: str


class TrainResponse(Answer):
    """What became of a training."""

    info: str
