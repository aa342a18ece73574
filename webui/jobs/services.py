"""What the front doors are given: everything a page or a route may touch."""

from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

from webui.core.flags import Flags
from webui.core.infotext import parse_fields
from webui.core.request import MAX_SEED, GenerationRequest, make_request
from webui.core.settings import Paths, Settings
from webui.core.work import WorkRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.embedding_sizes import embedding_sizes
from webui.library.catalog.lora_files import LoraFiles
from webui.library.library import Library
from webui.prompts.chunks import EmbeddingNames
from webui.prompts.networks import HYPERNETWORK_KIND, names_in, renamed, with_networks
from webui.prompts.styles import Styles
from webui.prompts.syntax import strip_comments
from webui.prompts.tokenizer import ClipTokenizer
from webui.store.folder_rules import FolderRules
from webui.store.history import History
from webui.store.images import ImageFiles
from webui.store.inputs import Inputs
from webui.store.latents import Latents
from webui.store.served_pictures import ServedPictures
from webui.store.settings_file import SettingsFile
from webui.store.styles_file import StylesReader

# A1111 draws random seeds from this range.
RANDOM_SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class Services:
    """Made once in `main`."""

    flags: Flags
    paths: Paths
    settings: SettingsFile
    catalog: Catalog
    jobs: JobQueue
    history: History
    files: ImageFiles
    inputs: Inputs
    latents: Latents
    pictures: ServedPictures
    folders: FolderRules
    library: Library
    loras: LoraFiles
    version: str
    styles_reader: StylesReader
    random: Random = field(default_factory=SystemRandom)

    def styles(self) -> Styles:
        """Prompt presets as they stand in the file now."""
        files = self.styles_reader.load()
        return Styles(files.styles, files.messages)

    def new_request(
        self, fields: dict[str, Any], overrides: dict[str, Any] | None = None
    ) -> GenerationRequest:
        """A request from form values: settings copied in, seeds drawn, styles and comments resolved.

        `fields` are those of GenerationRequest, with seeds below 0 for random ones and `styles` as a list of
        names; `overrides` are option keys for this request alone. Raises InvalidRequest or NotFound.
        """
        settings = self.settings.current.changed_for_request(overrides or {})
        values = dict(fields)
        options = settings.image.model_dump() | values.pop("options", {})
        values = self._with_styles(values, settings)
        for name in ("seed", "variation_seed"):
            seed = values.get(name)
            if seed is None or seed == "" or int(seed) < 0:
                values[name] = self.random.randrange(RANDOM_SEEDS)
        values["seed"] = min(int(values["seed"]), MAX_SEED)
        values["model"] = self.catalog.find_checkpoint(
            values.get("model") or settings.models.sd_model_checkpoint
        ).title
        values["vae"] = values.get("vae") or settings.models.sd_vae
        return with_networks_in_second_pass(make_request(**values, options=options), settings)

    def _with_styles(self, values: dict[str, Any], settings: Settings) -> dict[str, Any]:
        prompt, negative = str(values.get("prompt", "")), str(values.get("negative_prompt", ""))
        if names := values.pop("styles", None):
            styles = self.styles()
            prompt, negative = styles.apply(prompt, names), styles.apply_negative(negative, names)
        if settings.interface.enable_prompt_comments:
            prompt, negative = strip_comments(prompt), strip_comments(negative)
        return values | {"prompt": with_chosen_networks(prompt, settings), "negative_prompt": negative}

    def with_local_names(self, infotext: str) -> str:
        """An infotext whose LoRAs are called as they are here, where their hashes tell which they are."""
        written = str(parse_fields(infotext).get("Lora hashes", ""))
        pairs = [entry.partition(":") for entry in written.split(",")]
        hashes = {name.strip(): short.strip() for name, _, short in pairs if short.strip()}
        by_file_name = self.settings.current.models.lora_preferred_name == "Filename"
        local = self.loras.local_names(hashes, by_file_name=by_file_name)
        # Names are written there without commas.
        plain = {name: name.replace(",", "") for name in names_in(infotext)}
        return renamed(infotext, {name: local[key] for name, key in plain.items() if key in local})

    def embedding_names(self, text: str, tokenizer: ClipTokenizer) -> EmbeddingNames | None:
        """The embeddings that a text may name and how many tokens they take; None if there are none."""
        sizes = embedding_sizes(self.catalog, text)
        return EmbeddingNames(tokenizer, sizes) if sizes else None

    def submit(
        self,
        request: WorkRequest,
        delivery: Delivery | None = None,
        overrides: dict[str, Any] | None = None,
    ) -> Job:
        """Put a request in the queue with a frozen copy of the settings."""
        settings = self.settings.current.changed_for_request(overrides or {})
        return self.jobs.submit(request, delivery or Delivery(), settings)


def with_chosen_networks(prompt: str, settings: Settings) -> str:
    """The prompt with the LoRA and the hypernetwork that the settings add to every prompt."""
    models = settings.models
    chosen = (("lora", models.sd_lora), (HYPERNETWORK_KIND, models.sd_hypernetwork))
    weight = float(models.extra_networks_default_multiplier)
    return with_networks(prompt, [(kind, name, weight) for kind, name in chosen if name not in ("", "None")])


def with_networks_in_second_pass(request: GenerationRequest, settings: Settings) -> GenerationRequest:
    """A second pass with a prompt of its own gets them too."""
    if request.hires is None or not request.hires.prompt:
        return request
    prompt = with_chosen_networks(request.hires.prompt, settings)
    return request.model_copy(update={"hires": request.hires.model_copy(update={"prompt": prompt})})
