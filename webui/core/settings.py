"""Settings, in sections; one declaration gives type, help, file and page.

Keys are A1111's option keys where the option is the same, so that its `config.json` can be read. A job gets a
frozen copy when it is made.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from webui.core.errors import InvalidRequest, NotFound
from webui.core.image_options import ImageOptions, Number
from webui.core.interrogate_settings import Interrogate
from webui.core.sampling import unknown_name
from webui.core.settings_section import Section

AnySection = TypeVar("AnySection", bound=BaseModel)


def spell_format(name: object) -> object:
    """A file format as it is called here: in small letters, "jpg" for JPEG."""
    if not isinstance(name, str):
        return name
    spelled = name.strip().lower().removeprefix(".")
    return "jpg" if spelled == "jpeg" else spelled


PictureFormat = Annotated[Literal["png", "jpg", "webp", "avif"], BeforeValidator(spell_format)]
FilePattern = Annotated[str, Field(max_length=500)]
# What the names of picture files and of folders below those for pictures are made of.
NAME_PATTERN_KEYS = frozenset({"samples_filename_pattern"})
FOLDER_PATTERN_KEYS = frozenset({"directories_filename_pattern"})


class Models(Section):
    """Models."""

    sd_model_checkpoint: str = Field(
        default="", title="Stable Diffusion checkpoint", description="The selected checkpoint."
    )
    sd_vae: str = Field(
        default="Automatic",
        title="SD VAE",
        description="Automatic takes the file named like the checkpoint, else the one inside it.",
    )
    sd_vae_overrides_per_model_preferences: bool = Field(
        default=True,
        title="Selected VAE overrides per-model preferences",
        description="When off, a VAE chosen on a checkpoint's card comes first.",
    )
    sd_lora: str = Field(
        default="None", title="Add LoRA to prompt", description="Added to every prompt that does not name it."
    )
    sd_hypernetwork: str = Field(
        default="None",
        title="Add hypernetwork to prompt",
        description="Added to every prompt that does not name it.",
    )
    extra_networks_default_multiplier: Number = Field(
        default=1.0,
        ge=0,
        le=2,
        title="Default multiplier for extra networks",
        description="The weight of networks added to prompts from cards and by the two settings above.",
    )
    lora_preferred_name: Literal["Alias from file", "Filename"] = Field(
        default="Alias from file",
        title="LoRA name in prompts",
        description="The name its trainer gave it, or its file's name, when a card is clicked.",
    )
    memory_budget_gb: Number = Field(
        default=0,
        ge=0,
        title="Memory for models (GB)",
        description="0 takes what the device has, less a reserve.",
    )
    civitai_describes_new_models: bool = Field(
        default=False,
        title="Ask Civitai about new models",
        description="When on, models that are dropped onto the page are looked up on Civitai by their hash, "
        "and their cards filled. When off, nothing is sent to Civitai unless you ask.",
    )


class PrecisionSettings(Section):
    """Precision."""

    precision: Literal["auto", "exact"] = Field(
        default="auto",
        title="Precision",
        description="Auto is fastest: half precision where the device is good at it. "
        "Exact computes in 32 bits, equal to A1111 on a processor, and is slower.",
    )
    auto_vae_precision: bool = Field(
        default=True,
        title="Retry the VAE in 32 bits",
        description="When a picture would come out black (NaN), decode it again in 32 bits and say so.",
    )


class Saving(Section):
    """Saving images."""

    samples_save: bool = Field(
        default=True, title="Save every picture", description="When off, only the Save button does."
    )
    samples_format: PictureFormat = Field(
        default="png", title="File format", description="png keeps every pixel."
    )
    samples_filename_pattern: FilePattern = Field(
        default="",
        title="File name pattern",
        description="[seed], [steps], [sampler], [model_name], [prompt_words], [date] … Empty: number, seed.",
    )
    save_images_add_number: bool = Field(
        default=True, title="Number the files", description="Begin file names with a number that counts up."
    )
    save_images_replace_action: Literal["Replace", "Add number suffix"] = Field(
        default="Replace",
        title="When the file exists",
        description="Only without numbers: replace it or add a number.",
    )
    grid_save: bool = Field(
        default=True, title="Save grids", description="A sheet of all pictures, where there are several."
    )
    grid_format: PictureFormat = Field(
        default="png", title="Grid format", description="File format of grids."
    )
    n_rows: int = Field(
        default=-1, ge=-1, le=64, title="Grid rows", description="-1 chooses, 0 takes the batch size."
    )
    return_grid: bool = Field(
        default=True, title="Show the grid", description="Show the grid in the gallery, first."
    )
    enable_pnginfo: bool = Field(
        default=True,
        title="Write infotext into pictures",
        description="So that a picture tells how it was made.",
    )
    save_txt: bool = Field(
        default=False, title="Text file beside pictures", description="Write infotext beside the picture."
    )
    add_model_name_to_info: bool = Field(
        default=True, title="Infotext: model name", description="Write the model's name."
    )
    add_model_hash_to_info: bool = Field(
        default=True, title="Infotext: model hash", description="Write the model's hash."
    )
    add_vae_name_to_info: bool = Field(
        default=True, title="Infotext: VAE name", description="Write the VAE's name."
    )
    add_vae_hash_to_info: bool = Field(
        default=True, title="Infotext: VAE hash", description="Write the VAE's hash."
    )
    lora_add_hashes_to_infotext: bool = Field(
        default=True,
        title="Infotext: LoRA hashes",
        description="Write the hashes of LoRAs, by which they are found again whatever they are called.",
    )
    lora_bundled_ti_to_infotext: bool = Field(
        default=True,
        title="Infotext: embeddings inside LoRAs",
        description="Write which LoRA an embedding came with.",
    )
    textual_inversion_add_hashes_to_infotext: bool = Field(
        default=True,
        title="Infotext: embedding hashes",
        description="Write the hashes of embeddings that were used.",
    )
    add_version_to_infotext: bool = Field(
        default=True,
        title="Infotext: version",
        description="Write which version of the program made the picture.",
    )
    jpeg_quality: int = Field(default=80, ge=1, le=100, title="Quality", description="Of jpg, webp and avif.")
    webp_lossless: bool = Field(
        default=False, title="Lossless webp", description="Keeps every pixel in webp."
    )
    export_for_4chan: bool = Field(
        default=True,
        title="Copy large pictures as JPG",
        description="When a PNG passes one of the two limits below.",
    )
    img_downscale_threshold: Number = Field(
        default=4.0, gt=0, title="File size limit (MB)", description="For the JPG copy."
    )
    target_side_length: int = Field(
        default=4000, ge=64, title="Side limit (pixels)", description="For the JPG copy."
    )
    save_incomplete_images: bool = Field(
        default=False,
        title="Save interrupted pictures",
        description="Keep what an interrupted run had made so far.",
    )
    save_images_before_highres_fix: bool = Field(
        default=False, title="Save before hires fix", description="Save the first pass's picture too."
    )
    save_images_before_color_correction: bool = Field(
        default=False, title="Save before colour correction", description="Save the picture without it too."
    )
    save_images_before_face_restoration: bool = Field(
        default=False, title="Save before face restoration", description="Save the picture without it too."
    )
    save_mask: bool = Field(
        default=False, title="Save the mask", description="Save inpainting's mask beside the picture."
    )
    save_mask_composite: bool = Field(
        default=False,
        title="Save the masked part",
        description="Save what inpainting made, cut out by its mask.",
    )
    return_mask: bool = Field(
        default=False, title="Show the mask", description="Show inpainting's mask in the gallery."
    )
    return_mask_composite: bool = Field(
        default=False,
        title="Show the masked part",
        description="Show what inpainting made, cut out by its mask.",
    )
    save_init_img: bool = Field(
        default=False,
        title="Keep init pictures",
        description="Save what img2img began with, named by its MD5.",
    )
    latents_kept: int = Field(
        default=50,
        ge=0,
        le=10_000,
        title="Latents kept",
        description="So many finished batches can be decoded again with another VAE. "
        "Those that were not decoded yet are kept in any case.",
    )
    latents_kept_mb: int = Field(
        default=500, ge=1, title="Space for latents (MB)", description="Beyond it the oldest are removed."
    )
    save_to_dirs: bool = Field(
        default=True, title="Save to subfolders", description="Sort pictures into folders."
    )
    grid_save_to_dirs: bool = Field(
        default=True, title="Save grids to subfolders", description="Sort grids too."
    )
    directories_filename_pattern: FilePattern = Field(
        default="[date]", title="Folder pattern", description="The same patterns as for file names."
    )
    directories_max_prompt_words: int = Field(
        default=8,
        ge=1,
        le=50,
        title="Words of [prompt_words]",
        description="How many words of the prompt it takes.",
    )
    save_write_log_csv: bool = Field(
        default=True, title="Write log.csv", description="For the Save button, as A1111."
    )
    save_selected_only: bool = Field(
        default=True,
        title="Save only the selected picture",
        description="When off, the Save button saves all of them.",
    )


class Folders(Section):
    """Folders."""

    outdir_samples: str = Field(
        default="", title="All pictures", description="If set, in place of those below."
    )
    outdir_txt2img_samples: str = Field(
        default="outputs/txt2img-images", title="txt2img pictures", description="Where txt2img puts pictures."
    )
    outdir_img2img_samples: str = Field(
        default="outputs/img2img-images", title="img2img pictures", description="Where img2img puts pictures."
    )
    outdir_extras_samples: str = Field(
        default="outputs/extras-images", title="Extras pictures", description="Where Extras puts pictures."
    )
    outdir_grids: str = Field(default="", title="All grids", description="If set, in place of those below.")
    outdir_txt2img_grids: str = Field(
        default="outputs/txt2img-grids", title="txt2img grids", description="Where txt2img puts grids."
    )
    outdir_img2img_grids: str = Field(
        default="outputs/img2img-grids", title="img2img grids", description="Where img2img puts grids."
    )
    outdir_save: str = Field(
        default="log/images", title="Save button", description="Where the Save button puts pictures."
    )
    outdir_init_images: str = Field(
        default="outputs/init-images",
        title="Init images",
        description="Where the pictures that img2img began with are kept.",
    )


class Previews(Section):
    """Live previews."""

    live_previews_enable: bool = Field(
        default=True, title="Show live previews", description="Watch the picture form."
    )
    show_progress_every_n_steps: int = Field(
        default=10,
        ge=-1,
        le=100,
        title="Preview every N steps",
        description="-1 shows as often as the pause allows.",
    )
    live_preview_refresh_period: int = Field(
        default=1000,
        ge=200,
        le=60_000,
        title="Pause between previews (ms)",
        description="At least this long.",
    )
    live_previews_image_format: Literal["jpeg", "png", "webp"] = Field(
        default="jpeg", title="Preview format", description="jpeg is smallest."
    )


class Interface(Section):
    """User interface."""

    quicksettings_list: tuple[str, ...] = Field(
        default=("sd_model_checkpoint", "sd_vae"),
        title="Quick settings",
        description="Options shown above the tabs.",
    )
    infotext_styles: Literal["Ignore", "Apply", "Discard", "Apply if any"] = Field(
        default="Apply if any",
        title="Styles in pasted infotext",
        description="What to do with styles found in a prompt.",
    )
    send_seed: bool = Field(default=True, title="Send seed", description="Send buttons carry the seed along.")
    send_size: bool = Field(default=True, title="Send size", description="Send buttons carry the size along.")
    keyedit_precision_attention: Number = Field(
        default=0.1, ge=0.01, le=0.2, title="Ctrl+Up/Down step", description="Change of a word's weight."
    )
    enable_prompt_comments: bool = Field(
        default=True, title="Comments in prompts", description="Text after # in a line is left out."
    )
    disable_weights_auto_swap: bool = Field(
        default=True,
        title="Keep the checkpoint when pasting",
        description="Pasted infotext does not change the checkpoint.",
    )
    localization: str = Field(
        default="None",
        max_length=200,
        title="Localization",
        description="A translation that an extension brings. Load the page again to see it.",
    )


class Api(Section):
    """API."""

    api_enable_requests: bool = Field(
        default=False,
        title="Fetch pictures for API calls",
        description="An API call may give the address of a picture, which the server then asks for. Only "
        "public addresses are asked. API calls cannot change this.",
    )
    api_useragent: str = Field(
        default="",
        max_length=200,
        pattern=r"^[\x20-\x7e]*$",
        title="User agent of these requests",
        description="What the server calls itself to the hosts it asks. Empty: its name.",
    )


class ExtensionSettings(Section):
    """Extensions. The page draws this section itself."""

    disabled_extensions: tuple[str, ...] = Field(
        default=(),
        title="Switched off",
        description="Names of extensions that are not loaded, from the next start on.",
    )
    extension_order: tuple[str, ...] = Field(
        default=(),
        title="Order",
        description="Names of extensions that are loaded and called first, in this order; the others follow "
        "by name. From the next start on.",
    )
    disable_all_extensions: Literal["none", "extra", "all"] = Field(
        default="none",
        title="Load no extensions",
        description="extra: only those that come with the program. all: none. From the next start on.",
    )
    extension_values: dict[str, dict[str, JsonValue]] = Field(
        default={},
        title="Settings of extensions",
        description="What extensions' own settings are set to, by the name of the extension.",
    )


class Settings(Section):
    """All sections. `find` and `changed` speak A1111's flat option keys."""

    models: Models = Models()
    image: ImageOptions = Field(default=ImageOptions(), title="Picture options")
    numbers: PrecisionSettings = PrecisionSettings()
    saving: Saving = Saving()
    folders: Folders = Folders()
    previews: Previews = Previews()
    interface: Interface = Interface()
    api: Api = Field(default=Api(), title="API")
    interrogate: Interrogate = Interrogate()
    extensions: ExtensionSettings = Field(default=ExtensionSettings(), title="Extensions")

    def extension(self, model: type[AnySection], name: str) -> AnySection:
        """The settings of an extension, by its name; its defaults where what is kept is no longer valid."""
        values = self.extensions.extension_values.get(name, {})
        try:
            return model.model_validate(values)
        except ValidationError as error:
            wrong = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
            try:
                return model.model_validate({key: value for key, value in values.items() if key not in wrong})
            except ValidationError:
                return model()

    @classmethod
    def keys(cls) -> dict[str, tuple[str, str]]:
        """Every option key with its section and field, in the order of the page."""
        return {
            field.alias or name: (section, name)
            for section, holder in cls.model_fields.items()
            for name, field in section_type(holder.annotation).model_fields.items()
        }

    def options(self) -> dict[str, Any]:
        """All values by option key, as A1111's `/sdapi/v1/options` shows them."""
        return {key: getattr(getattr(self, section), name) for key, (section, name) in self.keys().items()}

    def changed_for_request(self, overrides: dict[str, Any]) -> Self:
        """A copy with these option keys changed for one request. Where files go is not a request's to say.

        Raises NotFound or InvalidRequest with a sentence.
        """
        current = self.options()
        for key in (*Folders.model_fields, *NAME_PATTERN_KEYS, *FOLDER_PATTERN_KEYS):
            if key in overrides and overrides[key] != current[key]:
                raise InvalidRequest(
                    f"A request cannot change {key}, which says where files are written. Leave it out of "
                    "'override_settings', and change the setting itself."
                )
        return self.changed(overrides)

    def changed(self, options: dict[str, Any]) -> Self:
        """A copy with these option keys changed. Raises NotFound or InvalidRequest with a sentence."""
        keys = self.keys()
        by_section: dict[str, dict[str, Any]] = {}
        for key, value in options.items():
            if key not in keys:
                raise NotFound(unknown_name("option", key, keys))
            section, name = keys[key]
            by_section.setdefault(section, {})[name] = value
        return self.model_copy(
            update={name: replace_values(getattr(self, name), values) for name, values in by_section.items()}
        )


def section_type(annotation: object) -> type[BaseModel]:
    """The model class of a section's annotation."""
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def replace_values(section: AnySection, values: dict[str, Any]) -> AnySection:
    """A validated copy of a section with some fields changed."""
    try:
        return type(section).model_validate(section.model_dump() | values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["msg"].removeprefix("Input ")
        raise InvalidRequest(
            f"The option {first['loc'][0]!s} is {first['input']!r}, but it {message}."
        ) from error


class Paths(BaseModel):
    """Where things lie. `root` is the project folder, or that of --data-dir."""

    model_config = ConfigDict(frozen=True)

    root: Path
    data: Path
    models: Path
    embeddings: Path
    styles: tuple[Path, ...]
    # Further folders to look in, by kind of model: the --ckpt-dir, --lora-dir … flags.
    extra: dict[str, tuple[Path, ...]] = {}
    # The bundled checkpoint's folder, always offered.
    starter: Path
