"""From form values to a request: settings copied in, seeds drawn, styles resolved, every name looked up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

from webui.core.infotext import parse_fields
from webui.core.request import MAX_SEED, GenerationRequest, make_request
from webui.core.settings import Settings
from webui.library.catalog.catalog import AUTOMATIC, NONE, Catalog
from webui.library.catalog.lora_files import LoraFiles
from webui.library.catalog.upscaler_names import find_restorer, find_upscaler
from webui.plugins.host import Plugins
from webui.prompts.networks import HYPERNETWORK_KIND, add_networks, names_in, rename_networks
from webui.prompts.styles import Styles
from webui.prompts.syntax import strip_comments
from webui.store.settings_file import SettingsFile
from webui.store.styles_file import StylesReader

# A1111 draws random seeds from this range.
RANDOM_SEEDS = 2**32
# Latents have a cell for so many pixels; A1111 cuts sizes down to whole cells.
CELL = 8
SIZES = ("width", "height")


@dataclass(frozen=True, slots=True)
class RequestMaker:
    """Makes requests for the page and for the API. Any thread."""

    settings: SettingsFile
    catalog: Catalog
    loras: LoraFiles
    styles_reader: StylesReader
    random: Random = field(default_factory=SystemRandom)
    plugins: Plugins = field(default_factory=Plugins)

    def make(self, fields: dict[str, Any], overrides: dict[str, Any] | None = None) -> GenerationRequest:
        """A request from form values. Raises InvalidRequest or NotFound, for every name in it.

        `fields` are those of GenerationRequest, with seeds below 0 for random ones and `styles` as a list of
        names; `overrides` are option keys for this request alone. Sizes are cut down to whole cells.
        """
        settings = self.settings.current.changed_for_request(overrides or {})
        values = cut_sizes(fields)
        options = settings.image.model_dump() | values.pop("options", {})
        values = self._apply_styles(values, settings)
        if values.get("script") and is_random(values.get("seed")):
            values["is_seed_random"] = True
        for name in ("seed", "variation_seed"):
            seed = values.get(name)
            if is_random(seed):
                values[name] = self.random.randrange(RANDOM_SEEDS)
        values["seed"] = min(int(values["seed"]), MAX_SEED)
        values["model"] = self.catalog.find_checkpoint(
            values.get("model") or settings.models.sd_model_checkpoint
        ).title
        values["vae"] = values.get("vae") or settings.models.sd_vae
        if values.get("script"):
            values["script"] = self.plugins.script(str(values["script"])).title
        if extras := values.get("extras"):
            values["extras"] = self.plugins.check_extras(extras, str(values.get("script") or ""))
        request = make_request(**values, options=options)
        self.check_names(request)
        return add_networks_to_second_pass(request, settings)

    def check_names(self, request: GenerationRequest) -> None:
        """Raise ModelNotFound or UnusableFile for a name in a request that no file has, before it runs."""
        if request.vae not in (AUTOMATIC, NONE):
            self.catalog.find_vae(request.vae)
        for name in find_checkpoints(request):
            self.catalog.find_checkpoint(name)
        for name in find_upscalers(request):
            find_upscaler(self.catalog, name)
        if request.restore_faces:
            find_restorer(self.catalog, request.options.face_restoration_model)

    def styles(self) -> Styles:
        """Prompt presets as they stand in the file now."""
        files = self.styles_reader.load()
        return Styles(files.styles, files.messages)

    def use_local_names(self, infotext: str) -> str:
        """An infotext whose LoRAs are called as they are here, where their hashes tell which they are."""
        written = str(parse_fields(infotext).get("Lora hashes", ""))
        pairs = [entry.partition(":") for entry in written.split(",")]
        hashes = {name.strip(): short.strip() for name, _, short in pairs if short.strip()}
        by_file_name = self.settings.current.models.lora_preferred_name == "Filename"
        local = self.loras.local_names(hashes, by_file_name=by_file_name)
        # Names are written there without commas.
        plain = {name: name.replace(",", "") for name in names_in(infotext)}
        return rename_networks(infotext, {name: local[key] for name, key in plain.items() if key in local})

    def _apply_styles(self, values: dict[str, Any], settings: Settings) -> dict[str, Any]:
        prompt, negative = str(values.get("prompt", "")), str(values.get("negative_prompt", ""))
        if names := values.pop("styles", None):
            styles = self.styles()
            prompt, negative = styles.apply(prompt, names), styles.apply_negative(negative, names)
        if settings.interface.enable_prompt_comments:
            prompt, negative = strip_comments(prompt), strip_comments(negative)
        return values | {"prompt": add_chosen_networks(prompt, settings), "negative_prompt": negative}


def is_random(seed: Any) -> bool:  # noqa: ANN401 - what a form or a client sends
    """Whether a seed is to be drawn."""
    return seed is None or seed == "" or int(seed) < 0


def cut_sizes(fields: dict[str, Any]) -> dict[str, Any]:
    """A copy whose width and height are cut down to whole cells of a latent."""
    values = dict(fields)
    for name in SIZES:
        size = values.get(name)
        # Smaller and other values are for the request to refuse.
        if isinstance(size, int) and size > CELL:
            values[name] = size // CELL * CELL
    return values


def describe_cut(asked: int, made: int, side: str) -> str | None:
    """The sentence on a side that was cut down; None if it was not."""
    if asked == made:
        return None
    return f"The {side} of {asked} is not a multiple of {CELL}; the picture has {made}."


def find_checkpoints(request: GenerationRequest) -> Iterable[str]:
    """The checkpoints that a request names besides its own."""
    return [part.model for part in (request.hires, request.refiner) if part is not None and part.model]


def find_upscalers(request: GenerationRequest) -> Iterable[str]:
    """The upscalers of pictures that a request uses."""
    if request.hires is not None and request.hires.latent_mode is None:
        yield request.hires.upscaler
    if request.is_img2img and request.options.upscaler_for_img2img:
        yield request.options.upscaler_for_img2img


def add_chosen_networks(prompt: str, settings: Settings) -> str:
    """The prompt with the LoRA and the hypernetwork that the settings add to every prompt."""
    models = settings.models
    chosen = (("lora", models.sd_lora), (HYPERNETWORK_KIND, models.sd_hypernetwork))
    weight = float(models.extra_networks_default_multiplier)
    return add_networks(prompt, [(kind, name, weight) for kind, name in chosen if name not in ("", "None")])


def add_networks_to_second_pass(request: GenerationRequest, settings: Settings) -> GenerationRequest:
    """A second pass with a prompt of its own gets them too."""
    if request.hires is None or not request.hires.prompt:
        return request
    prompt = add_chosen_networks(request.hires.prompt, settings)
    return request.model_copy(update={"hires": request.hires.model_copy(update={"prompt": prompt})})
