"""A1111's base classes of upscalers, over ours, and how those of extensions come among ours."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from webui.compat.a1111 import host
from webui.compat.a1111.facades import picture_networks, reaching
from webui.core.errors import InvalidRequest, WebuiError
from webui.library.catalog.added_networks import AddedUpscaler
from webui.library.catalog.upscaler_names import LANCZOS, NEAREST, NONE, scale_in_name

logger = logging.getLogger(__name__)
STEP = 8
# A1111: a network that enlarges too little runs again, but not for ever.
MOST_RUNS = 3


class Upscaler:
    """What extensions derive their upscalers from: `do_upscale` enlarges, `scalers` are the choices."""

    name: str | None = None
    model_path: str | None = None
    model_name: str | None = None
    model_url: str | None = None
    enable = True
    filter: Any = None
    model: Any = None
    user_path: str | None = None
    model_download_path: str | None = None
    scalers: list["UpscalerData"] = []  # noqa: RUF012 - A1111's classes have it as a class attribute
    tile = True

    def __init__(self, create_dirs: bool = False) -> None:
        """Sets the tiles of the settings, and the folder of models."""
        options = reaching.settings().image
        self.mod_pad_h = None
        self.tile_size, self.tile_pad = options.ESRGAN_tile, options.ESRGAN_tile_overlap
        self.device: Any = None
        self.img: Any = None
        self.output: Any = None
        self.scale: float = 1
        self.half = False
        self.pre_pad = 0
        self.mod_scale = None
        self.model_download_path = None
        if self.model_path is None and self.name:
            self.model_path = str(reaching.models_folder() / self.name)
        if self.model_path and create_dirs:
            Path(self.model_path).mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def do_upscale(self, img: Image.Image, selected_model: Any) -> Image.Image:  # noqa: ANN401 - a path or a name
        """Enlarge once."""
        return img

    def upscale(self, img: Image.Image, scale: float, selected_model: Any = None) -> Image.Image:  # noqa: ANN401 - a path or a name
        """Enlarge up to three times, then to exactly the size: `scale` times, down to multiples of 8."""
        self.scale = scale
        target = int(img.width * scale // STEP * STEP), int(img.height * scale // STEP * STEP)
        for _ in range(MOST_RUNS):
            if scale != 1 and img.width >= target[0] and img.height >= target[1]:
                break
            before = img.size
            img = self.do_upscale(img, selected_model)
            if img.size == before or scale == 1:
                break
        return img if img.size == target else img.resize(target, Image.Resampling.LANCZOS)

    @abstractmethod
    def load_model(self, path: str) -> Any:  # noqa: ANN401 - whatever it computes with
        """Load a file."""

    def find_models(self, ext_filter: list[str] | None = None) -> list[str]:
        """Files in its folder."""
        folders = [folder for folder in (self.model_path, self.user_path) if folder]
        found = [file for folder in folders for file in sorted(Path(folder).rglob("*")) if file.is_file()]
        return [str(file) for file in found if not ext_filter or file.suffix.lower() in ext_filter]

    def update_status(self, prompt: str) -> None:
        """Tell what it does."""
        logger.info("%s", prompt)


class UpscalerData:
    """One choice: its name, the file or address behind it, and the upscaler that runs it."""

    name: str
    data_path: str | None
    scale: float = 4
    scaler: Upscaler | None = None
    model: Any = None

    def __init__(
        self,
        name: str,
        path: str | None,
        upscaler: Upscaler | None = None,
        scale: float = 4,
        model: Any = None,  # noqa: ANN401 - whatever it computes with
        sha256: str | None = None,
    ) -> None:
        """As A1111 makes them."""
        self.name, self.data_path, self.local_data_path = name, path, path
        self.scaler, self.scale, self.model, self.sha256 = upscaler, scale, model, sha256

    def __repr__(self) -> str:
        """Name, path and scale."""
        return f"<UpscalerData name={self.name} path={self.data_path} scale={self.scale}>"


class UpscalerNone(Upscaler):
    """Leaves pictures as they are."""

    name = NONE

    def __init__(self, dirname: str | None = None) -> None:
        """One choice."""
        super().__init__(create_dirs=False)
        self.scalers = [UpscalerData(NONE, None, self)]

    def load_model(self, path: str) -> None:
        """Nothing to load."""

    def do_upscale(self, img: Image.Image, selected_model: Any = None) -> Image.Image:  # noqa: ANN401 - not read
        """The picture itself."""
        return img


class Resampler(UpscalerNone):
    """To the size at once, by one of Pillow's methods."""

    method = Image.Resampling.LANCZOS

    def __init__(self, dirname: str | None = None) -> None:
        """One choice."""
        super().__init__()
        self.scalers = [UpscalerData(self.name or "", None, self)]

    def do_upscale(self, img: Image.Image, selected_model: Any = None) -> Image.Image:  # noqa: ANN401 - not read
        """Resampled."""
        size = max(int(img.width * self.scale), 1), max(int(img.height * self.scale), 1)
        return img.resize(size, self.method)


class UpscalerLanczos(Resampler):
    """Lanczos."""

    name = LANCZOS


class UpscalerNearest(Resampler):
    """The nearest pixel."""

    name = NEAREST
    method = Image.Resampling.NEAREST


class FileUpscaler(Upscaler):
    """The networks of our folders: each file is a choice."""

    name = "ESRGAN"

    def __init__(self, dirname: str | None = None) -> None:
        """Lists the files that are known now."""
        super().__init__()
        self.scalers = [
            UpscalerData(name, file.path_text, self, scale_in_name(name))
            for name, file in picture_networks.files_by_name().items()
        ]

    def load_model(self, path: str) -> None:
        """They are loaded when they run."""

    def upscale(self, img: Image.Image, scale: float, selected_model: Any = None) -> Image.Image:  # noqa: ANN401 - a path or a name
        """By the file of a path, or of a name. Raises WebuiError."""
        wanted = str(selected_model)
        name = next((each.name for each in self.scalers if wanted in {each.data_path, each.name}), wanted)
        return picture_networks.upscale(img, scale, name)

    def do_upscale(self, img: Image.Image, selected_model: Any = None) -> Image.Image:  # noqa: ANN401 - a path or a name
        """The same, as large as asked for last."""
        return self.upscale(img, self.scale, selected_model)


NATIVE = (UpscalerNone, Resampler, UpscalerLanczos, UpscalerNearest, FileUpscaler)


def native_choices() -> list[UpscalerData]:
    """None, Lanczos, Nearest, and our files."""
    return [
        choice
        for kind in (UpscalerNone, UpscalerLanczos, UpscalerNearest, FileUpscaler)
        for choice in kind().scalers
    ]


def added_choices(kinds: Iterable[type[Upscaler]]) -> list[UpscalerData]:
    """What extensions' classes offer; one that fails is noted on its health page."""
    found: list[UpscalerData] = []
    for kind in kinds:
        with watch(kind.__init__, f"upscaler {kind.__name__}"):
            found += [choice for choice in make_upscaler(kind).scalers if choice.scaler is not None]
    return found


def make_upscaler(kind: type[Upscaler]) -> Upscaler:
    """An upscaler of a class; those of older extensions take no folder."""
    folder = getattr(kind, "model_path", None)
    try:
        return kind(folder)  # pyright: ignore[reportArgumentType] - A1111's subclasses take a folder
    except TypeError:
        return kind()


def every_subclass(kind: type) -> list[type]:
    """All classes that derive from one; of those with one name, as after a reload, the newest."""
    found = [each for child in kind.__subclasses__() for each in (child, *every_subclass(child))]
    return list({f"{each.__module__}.{each.__qualname__}": each for each in found}.values())


def watch(function: object, where: str) -> Any:  # noqa: ANN401 - a context manager
    """Around a call of an extension's function; see HealthRecords."""
    return host.current().health.watch(file_of(function), where)


def file_of(function: object) -> str:
    """The file that a function stands in; "" where it is none of Python's."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return getattr(code, "co_filename", "")


def as_added(choice: UpscalerData) -> AddedUpscaler:
    """An extension's choice as our lists and runs take it."""
    scaler = choice.scaler
    assert scaler is not None, "checked by added_choices"
    run = call_safely(
        lambda image, scale: scaler.upscale(image, scale, choice.data_path),
        type(scaler).do_upscale,
        choice.name,
    )
    return AddedUpscaler(choice.name, run, choice.scale)


def call_safely(
    function: Callable[[Image.Image, float], Any], stands_in: object, name: str
) -> Callable[[Image.Image, float], Any]:
    """An extension's function, whose failure ends the job with a sentence and is noted on its health page."""

    def run(image: Image.Image, number: float) -> Any:  # noqa: ANN401 - whatever the extension gives
        made: list[Any] = []
        refusals: list[WebuiError] = []
        with watch(stands_in, name):
            try:
                made.append(function(image, number))
            except WebuiError as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]
        if not made:
            raise InvalidRequest(f"{name!r} of an extension failed. Its page in Extensions tells why.")
        return made[0]

    return run
