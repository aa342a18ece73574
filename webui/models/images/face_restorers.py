"""Faces restored by GFPGAN (Wang et al. 2021), CodeFormer (Zhou et al. 2022) or RestoreFormer.

Each face is found, turned upright and brought to 512 pixels, restored, and laid back with a soft edge.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from webui.core.errors import InvalidRequest, ModelNotFound, UnusableFile
from webui.core.lack_of_memory import is_lack_of_memory
from webui.core.model_file import ModelFile, ModelKind
from webui.library.catalog.added_networks import AddedRestorer
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.upscaler_names import find_restorer
from webui.models.files.tensors import open_tensors
from webui.models.images.image_network import PictureNetwork, strip_prefixes
from webui.models.images.retinaface import RetinaFace, find_faces
from webui.models.network_holder import Loading, NetworkHolder, SizedValue
from webui.models.out_of_memory import Work
from webui.models.placing import PlaceStrategy, places_for
from webui.store.files.regular_files import regular_files

logger = logging.getLogger(__name__)
Pixels = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]
SIDE = 512
# Where eyes, nose and corners of the mouth lie in the pictures that the restorers were trained on (FFHQ).
UPRIGHT = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.1936],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ],
    np.float32,
)
# Faces are looked for in the picture with its shorter side brought to this; the longer is limited besides.
SEARCH_SIDE, LONGEST_SEARCH_SIDE = 640, 2560
# With eyes nearer than this, in pixels of the search, there is too little of a face to restore.
NEAREST_EYES = 5
# The face lies in the middle of its 512 pixels; outside this margin the old picture stays.
MARGIN, SOFTNESS = 32, 24
YUNET = "*yunet*.onnx"
YUNET_SCORE, YUNET_NMS_IOU, YUNET_MOST = 0.9, 0.3, 5000
GREY = (135, 133, 132)
Forward = Callable[[Tensor], Tensor]


class FaceFinder(Protocol):
    """Finds the five points of each face in an RGB picture."""

    def __call__(self, pixels: Pixels) -> list[Points]:
        """(H, W, 3) to arrays (5, 2) of x and y in pixels."""
        ...


class FaceRestorers:
    """Restores faces with the networks of the folders. Belongs to the device thread."""

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device,
        holder: NetworkHolder,
        lease_network: Callable[[ModelFile], AbstractContextManager[PictureNetwork]],
    ) -> None:
        """`lease_network` loads a restorer's file, or gives the one that is held."""
        self._catalog, self._device, self._holder = catalog, device, holder
        self._lease_network = lease_network
        self._ladder = holder.memory.ladder()

    @torch.no_grad()
    def restore(self, image: Image.Image, name: str, weight: float = 0.5) -> Image.Image:
        """A picture of the same size and mode with its faces restored; without faces it stays as it is.

        `weight` is CodeFormer's: 0 changes most. Raises ModelNotFound, which says where files go,
        UnusableFile and OutOfMemory.
        """
        file = find_restorer(self._catalog, name)
        if file is None:
            return restore_added(self._catalog.added.restorers[name], image, weight)
        with self._lease_network(file) as network:
            pixels = np.asarray(image.convert("RGB"))
            faces = self.find(pixels)
            logger.debug("Found %d faces", len(faces))
            if not faces:
                return image
            restored = paste_faces(pixels, faces, lambda face: self._restore_one(network, face, weight))
        result = Image.fromarray(restored)
        if image.mode == "RGBA":
            result.putalpha(image.getchannel("A"))
        return result.convert(image.mode)

    def _restore_one(self, network: PictureNetwork, face: Tensor, weight: float) -> Tensor:
        """A face (1, 3, 512, 512); on the processor where the device has too little memory."""

        def run(strategy: PlaceStrategy) -> Tensor:
            with strategy.placed([network.descriptor.model]):
                return run_restorer(network, face, weight)

        with network.on_device():
            return self._ladder.try_in_order(RESTORING, places_for(self._device), run)

    def find(self, pixels: Pixels) -> list[Points]:
        """The five points of each face. Raises ModelNotFound where nothing that finds faces is there."""
        height, width = pixels.shape[:2]
        scale = min(SEARCH_SIDE / min(height, width), LONGEST_SEARCH_SIDE / max(height, width))
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        searched = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
        with self._lease_finder() as finder:
            found = finder.value(searched)
        return [points / scale for points in found if np.hypot(*(points[0] - points[1])) >= NEAREST_EYES]

    def _lease_finder(self) -> AbstractContextManager[SizedValue[FaceFinder]]:
        """The detector of A1111's Extras (RetinaFace), else the one of its focal crop (YuNet)."""
        detectors = self._catalog.files(ModelKind.FACE_DETECTOR)
        path = detectors[0].path if detectors else next(iter(self._yunets()), None)
        if path is None:
            raise ModelNotFound(
                "Nothing to find faces with is there. Put detection_Resnet50_Final.pth into models/GFPGAN or "
                "face_detection_yunet_2023mar.onnx into models/opencv."
            )
        load = self._load_retinaface if detectors else load_yunet
        loading = Loading(path.name, path.stat().st_size)
        return self._holder.lease(("face detector", path), lambda place: load(path, place), loading)

    def _load_retinaface(self, path: Path, place: torch.device) -> SizedValue[FaceFinder]:
        network = load_retinaface(path, place)
        part = self._holder.residency.add([network])

        def find(pixels: Pixels) -> list[Points]:
            def run(strategy: PlaceStrategy) -> list[Points]:
                with strategy.placed([network]):
                    return find_faces(network, pixels)

            with part.using():
                return self._ladder.try_in_order(FINDING, places_for(self._device), run)

        return SizedValue(find, (network,))

    def _yunets(self) -> Sequence[Path]:
        folders = self._catalog.folders.detectors
        return [path for folder in folders for path in regular_files(folder) if fnmatch(path.name, YUNET)]


def restore_added(added: AddedRestorer, image: Image.Image, weight: float) -> Image.Image:
    """By an extension's function; size and mode stay. Raises InvalidRequest for what is no such picture."""
    result: object = added.restore(image.convert("RGB"), weight)
    if not isinstance(result, Image.Image) or result.size != image.size:
        raise InvalidRequest(
            f"The face restorer {added.name!r} of an extension gave no picture of the same size. "
            "Choose another face restorer."
        )
    if image.mode == "RGBA":
        result = result.convert("RGBA")
        result.putalpha(image.getchannel("A"))
    return result.convert(image.mode)


def log_place(how: str) -> None:
    """The artist sees no difference but the time."""
    logger.warning("The memory was too small, so faces were worked on %s.", how)


RESTORING = Work(
    "restore", log_place, "There is too little memory to restore a face. Make the picture smaller."
)
FINDING = Work("find", log_place, "There is too little memory to find faces. Make the picture smaller.")


def load_retinaface(path: Path, device: torch.device) -> RetinaFace:
    """RetinaFace from its file. Raises UnusableFile."""
    network = RetinaFace()
    tensors = strip_prefixes(open_tensors(path))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        if is_lack_of_memory(error):
            raise
        raise UnusableFile(f"{path.name} is not RetinaFace on a ResNet-50. Download it again.") from error
    return network.eval().requires_grad_(False).to(device)


def load_yunet(path: Path, _: torch.device | None = None) -> SizedValue[FaceFinder]:
    """OpenCV's YuNet (Wu et al. 2023) from its file, which computes on the processor. Raises UnusableFile."""
    try:
        detector = cv2.FaceDetectorYN.create(
            str(path), "", (SEARCH_SIDE, SEARCH_SIDE), YUNET_SCORE, YUNET_NMS_IOU, YUNET_MOST
        )
    except cv2.error as error:
        raise UnusableFile(f"{path.name} is no YuNet that OpenCV can read. Download it again.") from error

    def find(pixels: Pixels) -> list[Points]:
        detector.setInputSize((pixels.shape[1], pixels.shape[0]))
        rows = detector.detect(np.ascontiguousarray(pixels[..., ::-1]))[1]
        # Four numbers of the box come before the points, and after them the score.
        return [] if rows is None else [np.asarray(row[4:14], np.float32).reshape(5, 2) for row in rows]

    return SizedValue(find, ())


def run_restorer(network: PictureNetwork, face: Tensor, weight: float) -> Tensor:
    """(1, 3, 512, 512) in [-1, 1] to the same."""
    module = network.descriptor.model
    given = face.to(network.descriptor.device, network.descriptor.dtype)
    options: dict[str, dict[str, object]] = {
        "CodeFormer": {"weight": weight},
        # Its noise is drawn anew each time otherwise, and equal requests would not give equal pictures.
        "GFPGAN": {"return_rgb": False, "randomize_noise": False},
    }
    result = module(given, **options.get(network.descriptor.architecture.id, {}))
    restored = (result[0] if isinstance(result, tuple) else result).float().cpu()
    # A face without numbers stays as it was.
    return face if restored.isnan().any() else restored.clamp(-1, 1)


def paste_faces(pixels: Pixels, faces: Sequence[Points], restore: Forward) -> Pixels:
    """A picture (H, W, 3) with each face taken through `restore` and laid back."""
    result = pixels.astype(np.float32)
    height, width = pixels.shape[:2]
    soft = soft_square()
    for points in faces:
        to_upright, _ = cv2.estimateAffinePartial2D(points, UPRIGHT, method=cv2.LMEDS)
        if to_upright is None:
            continue
        upright = cv2.warpAffine(
            pixels, to_upright, (SIDE, SIDE), borderMode=cv2.BORDER_CONSTANT, borderValue=GREY
        )
        restored = to_pixels(restore(to_face(np.asarray(upright, np.uint8))))
        back = cv2.invertAffineTransform(to_upright)
        laid = cv2.warpAffine(restored, back, (width, height), flags=cv2.INTER_LINEAR)
        share = cv2.warpAffine(soft, back, (width, height), flags=cv2.INTER_LINEAR)[..., None]
        result = result * (1 - share) + np.asarray(laid) * share
    return (result.clip(0, 255) + 0.5).astype(np.uint8)


def soft_square() -> npt.NDArray[np.float32]:
    """How much of a restored face is seen at each of its pixels: 1 within the margin, softly falling to 0."""
    square = np.zeros((SIDE, SIDE), np.float32)
    square[MARGIN:-MARGIN, MARGIN:-MARGIN] = 1
    return np.asarray(cv2.GaussianBlur(square, (0, 0), SOFTNESS / 3), np.float32)


def to_face(pixels: Pixels) -> Tensor:
    """(512, 512, 3) bytes to (1, 3, 512, 512) in [-1, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None].contiguous()


def to_pixels(face: Tensor) -> npt.NDArray[np.float32]:
    """(1, 3, 512, 512) in [-1, 1] to (512, 512, 3) from 0 to 255."""
    return ((face[0].permute(1, 2, 0).numpy() + 1) * 127.5).astype(np.float32)
