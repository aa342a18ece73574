"""What can be said on the command line: A1111's flags, each a field.

docs/decisions/0002-flags-are-read-by-their-own-model.md tells why no argument parser stands between.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from webui.core.a1111_flags import explanation
from webui.core.errors import WebuiError
from webui.core.sampling import unknown_name
from webui.core.settings import Paths


class WrongFlag(WebuiError):
    """A flag that does not exist, lacks its value or has an impossible one."""


# A1111's users write --theme Dark and --loglevel INFO as well.
AnyCase = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
Accounts = tuple[tuple[str, str], ...]
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s@]+/?", re.IGNORECASE)


class UnknownFlag(WrongFlag):
    """A flag that there is none of, in this program."""


class Flags(BaseModel):
    """The flags of one start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: bool = Field(False, description="Answer other machines too, not only this one.")
    server_name: str | None = Field(None, description="Address to answer at, in place of --listen's choice.")
    port: int | None = Field(
        None, ge=0, le=65535, description="Port to answer at; else 7860, or 7861 with --nowebui."
    )
    subpath: str = Field("", description="Path below which a reverse proxy offers the page, such as sd.")
    autolaunch: bool = Field(False, description="Open the page in this machine's browser.")
    theme: Annotated[Literal["dark", "light"] | None, AnyCase] = Field(None, description="Look of the page.")
    tls_keyfile: Path | None = Field(None, description="Private key for HTTPS; needs --tls-certfile.")
    tls_certfile: Path | None = Field(None, description="Certificate for HTTPS; needs --tls-keyfile.")
    gradio_auth: str = Field("", repr=False, description="Who may use the page: name:password,name:password…")
    gradio_auth_path: Path | None = Field(
        None, description="A file with the same, so that it stays out of ps."
    )
    nowebui: bool = Field(False, description="Offer the API alone, without the page.")
    api_auth: str = Field("", repr=False, description="Who may use the API: name:password,name:password…")
    api_server_stop: bool = Field(False, description="API calls may stop the server.")
    cors_allow_origins: str = Field(
        "", description="Origins whose pages may call the API, with commas between."
    )
    cors_allow_origins_regex: str | None = Field(None, description="The same, as one regular expression.")
    max_request_mb: int = Field(
        256, ge=1, description="How large one request may be; models come in parts and may be larger."
    )

    data_dir: Path | None = Field(
        None, description="Where models, pictures and settings lie; else the project."
    )
    models_dir: Path | None = Field(None, description="Where the models lie; else models/ below --data-dir.")
    ckpt_dir: Path | None = Field(None, description="A further folder of checkpoints.")
    ckpt: Path | None = Field(None, description="A checkpoint file elsewhere: its folder is searched too.")
    vae_dir: Path | None = Field(None, description="A further folder of VAEs.")
    vae_path: Path | None = Field(None, description="A VAE file elsewhere: its folder is searched too.")
    lora_dir: Path | None = Field(None, description="A further folder of LoRAs.")
    lyco_dir: Path | None = Field(None, description="As --lora-dir.")
    lyco_dir_backcompat: Path | None = Field(None, description="As --lora-dir.")
    embeddings_dir: Path | None = Field(None, description="Where embeddings lie; else embeddings/.")
    hypernetwork_dir: Path | None = Field(None, description="A further folder of hypernetworks.")
    esrgan_models_path: Path | None = Field(None, description="A further folder of upscalers.")
    realesrgan_models_path: Path | None = Field(None, description="A further folder of upscalers.")
    bsrgan_models_path: Path | None = Field(None, description="A further folder of upscalers.")
    swinir_models_path: Path | None = Field(None, description="A further folder of upscalers.")
    scunet_models_path: Path | None = Field(None, description="A further folder of upscalers.")
    dat_models_path: Path | None = Field(None, description="A further folder of upscalers.")
    gfpgan_models_path: Path | None = Field(None, description="A further folder of face restorers.")
    codeformer_models_path: Path | None = Field(None, description="A further folder of face restorers.")
    controlnet_dir: Path | None = Field(None, description="A further folder of ControlNets.")
    styles_file: tuple[Path, ...] = Field((), description="styles.csv files; may be given several times.")
    ui_settings_file: Path | None = Field(None, description="The settings file; else data/settings.json.")
    allow_folder: tuple[Path, ...] = Field(
        (), description="Folders outside the data folder that settings may put pictures into."
    )

    xformers: bool = Field(False, description="Use xFormers' attention where it is installed.")
    force_enable_xformers: bool = Field(False, description="As --xformers.")
    no_half: bool = Field(False, description="Compute in 32 bits.")
    no_half_vae: bool = Field(False, description="Compute the VAE in 32 bits.")
    precision: Literal["full", "half", "autocast"] = Field("autocast", description="full is as --no-half.")
    medvram: bool = Field(
        False, description="Keep only the part of a model that computes on the card, the others beside it."
    )
    medvram_sdxl: bool = Field(False, description="As --medvram.")
    lowvram: bool = Field(
        False, description="As --medvram, and of the U-Net only the layers that compute. Slowest."
    )
    device_id: int | None = Field(None, ge=0, description="Which GPU, counted from 0.")
    use_cpu: tuple[Annotated[str, AnyCase], ...] = Field((), description="'all': compute on the processor.")

    safe: bool = Field(False, description="Load no extension at all, to see whether one is at fault.")
    disable_all_extensions: bool = Field(False, description="As --safe.")
    disable_extra_extensions: bool = Field(
        False, description="Load only the extensions that come with the program."
    )
    skip_install: bool = Field(False, description="Run no install.py of A1111's extensions.")

    loglevel: Annotated[Literal["debug", "info", "warning", "error", "critical"], AnyCase] = Field(
        "info", description="How much is logged."
    )
    freeze_settings: bool = Field(False, description="Nobody can change settings.")
    help: bool = Field(False, description="List the flags.")

    @property
    def host(self) -> str:
        """The address to answer at."""
        return self.server_name or ("0.0.0.0" if self.listen else "127.0.0.1")

    @property
    def is_exact(self) -> bool:
        """Whether everything is computed in 32 bits, whatever the settings say."""
        return self.no_half or self.precision == "full"

    @property
    def wants_xformers(self) -> bool:
        """Whether to use xFormers if it is installed."""
        return self.xformers or self.force_enable_xformers

    @property
    def wants_medvram(self) -> bool:
        """Whether only one part of a model is on the card at a time."""
        return self.medvram or self.medvram_sdxl

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The origins whose pages may call the API."""
        return tuple(origin.strip() for origin in self.cors_allow_origins.split(",") if origin.strip())

    def page_accounts(self) -> Accounts:
        """Names and passwords for the page; empty lets everybody in. Reads the file of --gradio-auth-path."""
        written = self.gradio_auth
        if self.gradio_auth_path:
            try:
                written += "," + self.gradio_auth_path.read_text(encoding="utf-8").replace("\n", ",")
            except (OSError, UnicodeDecodeError) as error:
                raise WrongFlag(f"The file of --gradio-auth-path cannot be read: {error}.") from error
        accounts = parse_accounts("--gradio-auth", written)
        if self.gradio_auth_path and not accounts:
            raise WrongFlag(
                "The file of --gradio-auth-path names nobody; expected name:password, one a line."
            )
        return accounts

    def api_accounts(self) -> Accounts:
        """Names and passwords for the API; empty lets everybody in."""
        return parse_accounts("--api-auth", self.api_auth)

    def paths(self, root: Path) -> Paths:
        """The folders of a project that lies at `root`, which also holds the bundled checkpoint."""
        home = absolute(self.data_dir, root) if self.data_dir else root
        models = absolute(self.models_dir, home) if self.models_dir else home / "models"
        folders: dict[str, tuple[Path | None, ...]] = {
            "checkpoints": (self.ckpt_dir, self.ckpt.parent if self.ckpt else None),
            "vae": (self.vae_dir, self.vae_path.parent if self.vae_path else None),
            "lora": (self.lora_dir, self.lyco_dir, self.lyco_dir_backcompat),
            "hypernetworks": (self.hypernetwork_dir,),
            "upscalers": (
                self.esrgan_models_path,
                self.realesrgan_models_path,
                self.bsrgan_models_path,
                self.swinir_models_path,
                self.scunet_models_path,
                self.dat_models_path,
                # Face restorers are looked for where upscalers are.
                self.gfpgan_models_path,
                self.codeformer_models_path,
            ),
            "controlnet": (self.controlnet_dir,),
        }
        given = {
            kind: tuple(absolute(path, root) for path in paths if path) for kind, paths in folders.items()
        }
        return Paths(
            root=home,
            data=home / "data",
            models=models,
            embeddings=absolute(self.embeddings_dir, root) if self.embeddings_dir else home / "embeddings",
            styles=tuple(absolute(path, home) for path in self.styles_file) or (home / "styles.csv",),
            extra={kind: paths for kind, paths in given.items() if paths},
            starter=root / "models" / "starter",
        )

    def allowed_folders(self, root: Path) -> tuple[Path, ...]:
        """The folders of --allow-folder, of a project that lies at `root`."""
        return tuple(absolute(path, root) for path in self.allow_folder)

    def settings_file(self, root: Path) -> Path:
        """Where the settings are kept."""
        return (
            absolute(self.ui_settings_file, root)
            if self.ui_settings_file
            else self.paths(root).data / "settings.json"
        )


def absolute(path: Path, base: Path) -> Path:
    """A path as the user meant it: `~` is their home, and relative paths begin at `base`."""
    return base / path.expanduser()


def parse_accounts(flag: str, text: str) -> Accounts:
    """`name:password,name:password` as pairs."""
    pairs = [entry.strip().partition(":") for entry in text.split(",") if entry.strip()]
    if not all(name and password for name, _, password in pairs):
        raise WrongFlag(
            f"{flag} has an entry without a name or a password; expected name:password,name:password."
        )
    return tuple((name, password) for name, _, password in pairs)


def read_flags(arguments: Sequence[str], *, keep_unknown: bool = False) -> tuple[Flags, tuple[str, ...]]:
    """The flags among a command line's words, and a sentence on each that changes nothing here.

    Raises WrongFlag; `keep_unknown` leaves flags that are not known here to extensions. A flag given twice
    counts as given last, but for those that may be given several times.
    """
    values: dict[str, bool | str | tuple[str, ...]] = {}
    remarks: list[str] = []
    for flag, words in groups(arguments):
        name = field_name(flag)
        if name is None:
            if not (keep_unknown and is_unknown(flag)):
                remarks.append(remark(flag))
            continue
        value = flag_value(flag, words, Flags.model_fields[name])
        before = values.get(name)
        values[name] = before + value if isinstance(before, tuple) and isinstance(value, tuple) else value
    return validate_flags(values), tuple(remarks)


def unknown_flags(arguments: Sequence[str]) -> list[str]:
    """Those flags among a command line's words that are not known here."""
    return [flag for flag, _ in groups(arguments) if is_unknown(flag)]


def is_unknown(flag: str) -> bool:
    """Whether a flag is neither one of this program nor one that is explained."""
    return field_name(flag) is None and explanation(flag.lstrip("-")) is None


def groups(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each flag with the words after it; `--name=word` is the same as `--name word`."""
    flag, words = "", list[str]()
    for argument in arguments:
        if argument.startswith("-") and not argument[1:].isdigit():
            if flag:
                yield flag, words
            flag, equals, word = argument.partition("=")
            words = [word] if equals else []
        elif flag:
            words.append(argument)
        else:
            raise WrongFlag(f"{argument!r} belongs to no flag. Flags begin with --; --help lists them.")
    if flag:
        yield flag, words


def field_name(flag: str) -> str | None:
    """The field a flag is for; None for a flag that has none."""
    name = "help" if flag == "-h" else flag.removeprefix("--").replace("-", "_")
    return name if name in Flags.model_fields else None


def remark(flag: str) -> str:
    """The sentence on a flag of A1111's that changes nothing here. Raises WrongFlag for any other."""
    reason = explanation(flag.lstrip("-"))
    if reason is None:
        known = ["--" + name.replace("_", "-") for name in Flags.model_fields]
        raise UnknownFlag(unknown_name("flag", flag, known) + " --help lists them.")
    return f"{flag} changes nothing: {reason}."


def flag_value(flag: str, words: list[str], field: FieldInfo) -> bool | str | tuple[str, ...]:
    """What a flag's words say: a switch has none, a list has several, all others have one."""
    if field.annotation is bool:
        if words:
            raise WrongFlag(f"{flag} takes no value, but {words[0]!r} stands after it.")
        return True
    if not words:
        raise WrongFlag(f"{flag} needs a value after it: {field.description}")
    if get_origin(field.annotation) is tuple:
        return tuple(words)
    if len(words) > 1:
        raise WrongFlag(
            f"{flag} takes one value, but {words[1]!r} stands after it too. Put quotes around spaces."
        )
    return words[0]


def validate_flags(values: Mapping[str, bool | str | tuple[str, ...]]) -> Flags:
    """The model of these values; what is wrong with them as a WrongFlag."""
    try:
        flags = Flags.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]).replace("_", "-")
        message = first["msg"].removeprefix("Input ")
        raise WrongFlag(f"--{name} is {first['input']!r}, but it {message}.") from error
    if bool(flags.tls_keyfile) != bool(flags.tls_certfile):
        raise WrongFlag("HTTPS needs both --tls-keyfile and --tls-certfile.")
    check_origins(flags)
    return flags


def check_origins(flags: Flags) -> None:
    """Raise WrongFlag for an allowed origin that no browser would ever send."""
    for origin in flags.cors_origins:
        if origin not in ("*", "null") and not ORIGIN.fullmatch(origin):
            raise WrongFlag(
                f"--cors-allow-origins has {origin!r}, which is no origin; expected the beginning of an "
                "address without a path, such as https://my.example or http://192.168.0.7:8000."
            )
    try:
        re.compile(flags.cors_allow_origins_regex or "")
    except re.error as error:
        raise WrongFlag(f"--cors-allow-origins-regex is no regular expression: {error}.") from error


def help_text() -> str:
    """Every flag with its meaning, a line each."""
    lines = [
        f"  --{name.replace('_', '-'):28} {field.description}" for name, field in Flags.model_fields.items()
    ]
    return "\n".join(["Flags (A1111's others are accepted, and say why they change nothing):", *lines])
