"""/controlnet/…: lists of models and preprocessors, and preprocessing, as the community's clients want them.

Nothing here waits on the event loop: the functions are plain, so that the server runs them on threads.
"""

from __future__ import annotations

import base64
import binascii
import io
import threading
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from extensions.controlnet.listing import (
    checkpoint_family,
    control_types,
    describe_module,
    list_models,
    model_entries,
    title_of,
)
from extensions.controlnet.preprocessors import PREPROCESSORS, Preprocessor, find_preprocessor, preprocess
from extensions.controlnet.preprocessors.weights import missing_weights
from webui.plugins import InvalidRequest, open_picture

if TYPE_CHECKING:
    from PIL import Image

API_VERSION = 2
UNITS_SHOWN = 3
MOST_PICTURES = 64
OPENPOSE = "OpenPose"


class DetectionBody(BaseModel):
    """What is to be made of which pictures, in base64. Numbers below 0 stand for the sliders' defaults."""

    model_config = ConfigDict(extra="ignore")

    controlnet_module: str = "none"
    controlnet_input_images: list[str] = Field(default_factory=list, max_length=MOST_PICTURES)
    controlnet_masks: list[str | None] = Field(default_factory=list, max_length=MOST_PICTURES)
    controlnet_processor_res: int = 512
    controlnet_threshold_a: float = -1
    controlnet_threshold_b: float = -1


class PreviewBody(BaseModel):
    """The page's: one picture and its mask by their references, and what is made of them."""

    image: str = Field(max_length=200)
    mask: str | None = Field(None, max_length=200)
    module: str = Field(max_length=200)
    resolution: int = 512
    threshold_a: float = -1
    threshold_b: float = -1


class PoseBody(BaseModel):
    """The page's: a picture in which people are looked for, by its reference."""

    image: str = Field(max_length=200)
    hands: bool = False


class PreviewAnswer(BaseModel):
    """The map: what requests call it, and its size in pixels."""

    reference: str
    width: int
    height: int


class Processor:
    """Runs preprocessors on the processor, one at a time, and keeps no network: previews then neither wait
    for a job nor take memory from it.
    """

    def __init__(self, catalog: Any) -> None:  # noqa: ANN401 - the catalog, of a floor below
        self.models = SimpleNamespace(catalog=catalog)
        self._turn = threading.Lock()

    @contextmanager
    def lease(self, key: Hashable, load: Any, name: str, estimated_bytes: int) -> Generator[Any]:  # noqa: ANN401 - as in Context
        """A network while the context is open, as `Context.lease`."""
        import torch  # only where there are weights to compute with

        yield load(torch.device("cpu"))

    def run(
        self, module: str, image: Image.Image, numbers: tuple[int, float, float], mask: Image.Image | None
    ) -> Image.Image:
        """See `preprocess`."""
        with self._turn:
            return preprocess(module, image, *numbers, context=self, mask=mask)

    def find_pose(self, module: str, image: Image.Image, resolution: int) -> dict[str, Any]:
        """Where the joints of everybody are, as OpenPose's JSON. Raises as `preprocess`."""
        from extensions.controlnet.preprocessors import skeletons
        from extensions.controlnet.preprocessors.networks import poses  # torch: as above
        from extensions.controlnet.preprocessors.running import make_inputs

        entry = find_preprocessor(module)
        with self._turn:
            inputs = make_inputs(entry, image, (resolution, -1, -1), self)
            return skeletons.to_json(*poses.find_pose(inputs, entry.name))


def add_routes(app: FastAPI, services: Any) -> None:  # noqa: ANN401 - of a floor above
    """All routes of ControlNet."""
    router = APIRouter(prefix="/controlnet", tags=["ControlNet"])
    add_lists(router, services)
    add_detection(router, Processor(services.catalog))
    add_page_routes(router, services)
    app.include_router(router)


def add_lists(router: APIRouter, services: Any) -> None:  # noqa: ANN401 - as above
    """What there is."""

    @router.get("/version")
    def version() -> dict[str, int]:
        """The version of these routes."""
        return {"version": API_VERSION}

    @router.get("/settings")
    def settings() -> dict[str, int]:
        """How many units a client may count on; there may be more."""
        return {"control_net_unit_count": UNITS_SHOWN}

    @router.get("/model_list")
    def model_list(update: bool = True) -> dict[str, list[str]]:
        """Titles of the models."""
        del update  # the catalog is always up to date
        return {"model_list": [title_of(model) for model in list_models(services.catalog)]}

    @router.get("/module_list")
    def module_list(alias_names: bool = False) -> dict[str, Any]:
        """The preprocessors, and their sliders."""
        names = [shown_name(name, alias_names) for name in PREPROCESSORS]
        details = {
            shown_name(name, alias_names): describe_module(entry) for name, entry in PREPROCESSORS.items()
        }
        return {"module_list": names, "module_detail": details, "module_details": details}

    @router.get("/control_types")
    def types() -> dict[str, Any]:
        """Which preprocessors and models go together, by the sort of control."""
        return {"control_types": control_types(services.catalog)}


def shown_name(name: str, alias_names: bool) -> str:
    """What a client that asks for aliases gets: the short name where there is one."""
    aliases = PREPROCESSORS[name].aliases
    return aliases[0] if alias_names and aliases and aliases[0] != "None" else name


def add_detection(router: APIRouter, processor: Processor) -> None:
    """Preprocessing for clients."""

    @router.post("/detect")
    def detect(body: DetectionBody) -> dict[str, Any]:
        """Make maps of pictures."""
        find_preprocessor(body.controlnet_module)
        if not body.controlnet_input_images:
            raise InvalidRequest("controlnet_input_images is empty: send at least one picture in base64.")
        if is_of_poses(find_preprocessor(body.controlnet_module)):
            return detect_poses(body, processor)
        masks = [*body.controlnet_masks, *[None] * len(body.controlnet_input_images)]
        numbers = (body.controlnet_processor_res, body.controlnet_threshold_a, body.controlnet_threshold_b)
        images = [
            processor.run(
                body.controlnet_module, read_base64(text), numbers, read_base64(mask) if mask else None
            )
            for text, mask in zip(body.controlnet_input_images, masks, strict=False)
        ]
        return {"images": [write_base64(image) for image in images], "info": "Success"}

    @router.post("/render_openpose_json")
    def render(poses: Annotated[list[dict[str, Any]], Body(max_length=MOST_PICTURES)]) -> dict[str, Any]:
        """Draw skeletons of OpenPose's JSON."""
        return {"images": [draw_pose(pose) for pose in poses], "info": "Success"}


def is_of_poses(entry: Preprocessor) -> bool:
    """Whether it makes skeletons, whose joints are told too."""
    return entry.types == (OPENPOSE,) and bool(entry.weights)


def detect_poses(body: DetectionBody, processor: Processor) -> dict[str, Any]:
    """Skeletons, and where their joints are."""
    poses = [
        processor.find_pose(body.controlnet_module, read_base64(text), body.controlnet_processor_res)
        for text in body.controlnet_input_images
    ]
    return {"images": [draw_pose(pose) for pose in poses], "poses": poses, "info": "Success"}


def draw_pose(pose: dict[str, Any]) -> str:
    """A pose as a picture in base64. Raises InvalidRequest."""
    from extensions.controlnet.preprocessors.pixels import write_pixels  # OpenCV: as above
    from extensions.controlnet.preprocessors.skeletons import draw_people, from_json

    try:
        people, width, height = from_json(pose)
    except (ValueError, TypeError) as error:
        raise InvalidRequest(f"A pose is no JSON as OpenPose writes it: {error}.") from error
    return write_base64(write_pixels(draw_people(people, width, height)))


def add_page_routes(router: APIRouter, services: Any) -> None:  # noqa: ANN401 - as above
    """What the page's editor asks."""
    processor = Processor(services.catalog)

    @router.get("/offers")
    def offers() -> dict[str, Any]:
        """All preprocessors and models, with why some cannot be used."""
        return {
            "modules": [
                {"name": entry.name, **describe_module(entry, services.catalog)}
                for entry in PREPROCESSORS.values()
            ],
            "models": [model.model_dump() for model in model_entries(services)],
            "family": checkpoint_family(services),
            "types": control_types(services.catalog),
        }

    @router.post("/preview")
    def preview(body: PreviewBody) -> PreviewAnswer:
        """Make a map of a picture that the server keeps, and keep it too."""
        mask = services.inputs.open(body.mask) if body.mask else None
        numbers = (body.resolution, body.threshold_a, body.threshold_b)
        image = processor.run(body.module, services.inputs.open(body.image), numbers, mask)
        return PreviewAnswer(
            reference=services.inputs.add_image(image), width=image.width, height=image.height
        )

    @router.post("/poses")
    def poses(body: PoseBody) -> dict[str, Any]:
        """Where people's joints are in a picture that the server keeps."""
        image = services.inputs.open(body.image)
        return processor.find_pose(choose_finder(services.catalog, hands=body.hands), image, min(image.size))


def choose_finder(catalog: Any, *, hands: bool) -> str:  # noqa: ANN401 - as above
    """The preprocessor that finds people for the pose editor: the first whose files are here."""
    wanted = (
        ("openpose_full", "dw_openpose_full", "openpose_hand") if hands else ("openpose", "dw_openpose_full")
    )
    usable = (name for name in wanted if not missing_weights(PREPROCESSORS[name], catalog))
    return next(usable, "openpose_hand" if hands else "openpose")


def read_base64(text: str) -> Image.Image:
    """A picture in base64, with or without a data URL's head. Raises InvalidRequest, UnusableFile."""
    body = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return open_picture(base64.b64decode("".join(body.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("A picture is no base64. Send the bytes of the file in base64.") from error


def write_base64(image: Image.Image) -> str:
    """A picture as PNG in base64."""
    written = io.BytesIO()
    image.save(written, "PNG")
    return base64.b64encode(written.getvalue()).decode()
