"""Detectors that the artist has: OpenCV's YuNet, and ONNX exports of ultralytics' networks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from extensions.detailer.masks import Detection
from webui.plugins import NotFound, UnusableFile

Numbers = npt.NDArray[np.float32]
FOLDERS = ("adetailer", "detailer", "opencv")
# Pickles run code when they are read, so these are not.
PICKLES = (".pt", ".pth")
SIDE = 640
# What ultralytics fills the borders with, and from which overlap on the surer of two boxes is kept.
GREY, OVERLAP = 114, 0.7
YUNET_OVERLAP, YUNET_MOST = 0.3, 5000
FEWEST_COLUMNS = 5
PROTOTYPE_AXES = 4


class Detector(Protocol):
    """Finds things in a picture. It is held in the budget of all networks."""

    @property
    def size_bytes(self) -> int:
        """How much memory it takes."""
        ...

    def modules(self) -> Sequence[Any]:
        """Networks of torch: none."""
        ...

    def find(self, image: Image.Image, confidence: float) -> list[Detection]:
        """What is in an RGB picture with at least this confidence, the surest first."""
        ...


def list_detectors(models: Path) -> Mapping[str, Path]:
    """Detector files by name."""
    return {path.name: path for path in files_in(models) if path.suffix.lower() == ".onnx"}


def files_in(models: Path) -> Iterator[Path]:
    """Files in the folders of detectors, in order."""
    for folder in FOLDERS:
        if (models / folder).is_dir():
            yield from sorted(each for each in (models / folder).iterdir() if each.is_file())


def find_detector(name: str, models: Path | None) -> Path:
    """The file of a detector by its name, with or without its ending.

    Raises NotFound, or UnusableFile for a file that is not read.
    """
    files = list(files_in(models)) if models else []
    by_stem = {path.stem.lower(): path for path in reversed(files) if path.suffix.lower() == ".onnx"}
    stem = name.removesuffix(".onnx").removesuffix(".pt")
    found = by_stem.get(name.lower()) or by_stem.get(stem.lower())
    if found is not None:
        return found
    if any(path.suffix.lower() in PICKLES and stem == path.stem for path in files):
        raise UnusableFile(
            f"{stem}.pt is a pickle, which could run code, so it is not read. Export it once, where you "
            f"trust it: yolo export model={stem}.pt format=onnx. Then put {stem}.onnx into models/adetailer."
        )
    known = ", ".join(list_detectors(models) if models else ()) or "none"
    raise NotFound(
        f"There is no detector named {name!r}. Those here are: {known}. Put ONNX exports of ultralytics' "
        "detectors into models/adetailer, or face_detection_yunet_2023mar.onnx into models/opencv."
    )


def load_detector(path: Path) -> Detector:
    """A detector from its file. Raises UnusableFile."""
    try:
        return load_yunet(path) if "yunet" in path.name.lower() else load_onnx(path)
    except cv2.error as error:
        raise UnusableFile(
            f"OpenCV cannot read {path.name} as a detector ({str(error.err)[:200]}). Download it again."
        ) from error


def load_yunet(path: Path) -> "YuNet":
    """OpenCV's finder of faces (Wu et al. 2023)."""
    network = cv2.FaceDetectorYN.create(str(path), "", (SIDE, SIDE), 0.3, YUNET_OVERLAP, YUNET_MOST)
    return YuNet(network, path.stat().st_size)


def load_onnx(path: Path) -> "OnnxDetector":
    """A network of ultralytics' layout."""
    return OnnxDetector(cv2.dnn.readNetFromONNX(str(path)), path.stat().st_size, path.name)


@dataclass(frozen=True, slots=True)
class YuNet:
    """Finds faces."""

    network: Any
    size_bytes: int

    def modules(self) -> Sequence[Any]:
        """None of torch."""
        return ()

    def find(self, image: Image.Image, confidence: float) -> list[Detection]:
        """Faces, the surest first."""
        self.network.setInputSize(image.size)
        self.network.setScoreThreshold(confidence)
        faces = self.network.detect(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))[1]
        rows: list[Numbers] = [] if faces is None else list(faces)
        found = [Detection(clip(*corners(row[:4]), image.size), float(row[-1])) for row in rows]
        return sorted(found, key=lambda each: -each.confidence)


@dataclass(frozen=True, slots=True)
class OnnxDetector:
    """A YOLO of any kind, as ultralytics exports it: boxes, with outlines where it makes such."""

    network: Any
    size_bytes: int
    name: str

    def modules(self) -> Sequence[Any]:
        """None of torch."""
        return ()

    def find(self, image: Image.Image, confidence: float) -> list[Detection]:
        """What it knows, the surest first. Raises UnusableFile for a network of another layout."""
        frame = Frame.of(image)
        try:
            self.network.setInput(frame.pixels)
            outputs = self.network.forward(self.network.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise UnusableFile(
                f"{self.name} does not run on a picture of {SIDE}x{SIDE} pixels ({str(error.err)[:200]}). "
                f"Export it with imgsz={SIDE}."
            ) from error
        rows, prototypes = sort_outputs([np.asarray(each, np.float32) for each in outputs], self.name)
        return read_rows(rows, prototypes, frame, confidence)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as the network reads it: `pixels` (1, 3, 640, 640), scaled, in the middle of grey."""

    pixels: Numbers
    size: tuple[int, int]
    scale: float
    left: int
    top: int

    @classmethod
    def of(cls, image: Image.Image) -> "Frame":
        """From an RGB picture."""
        scale = min(SIDE / image.width, SIDE / image.height)
        inner = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        left, top = (SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2
        frame = Image.new("RGB", (SIDE, SIDE), (GREY, GREY, GREY))
        frame.paste(image.resize(inner, Image.Resampling.BILINEAR), (left, top))
        pixels = np.asarray(frame, np.float32).transpose(2, 0, 1)[None] / np.float32(255)
        return cls(np.ascontiguousarray(pixels), image.size, scale, left, top)

    def in_picture(self, box: Numbers) -> tuple[float, float, float, float]:
        """Corners in the frame to corners in the picture."""
        left, top, right, bottom = (float(each) for each in box)
        x, y = self.left, self.top
        moved = (
            (left - x) / self.scale,
            (top - y) / self.scale,
            (right - x) / self.scale,
            (bottom - y) / self.scale,
        )
        return clip(*moved, self.size)


def sort_outputs(outputs: Sequence[Numbers], name: str) -> tuple[Numbers, Numbers | None]:
    """Rows (N, columns) and the prototypes of outlines. Raises UnusableFile for other outputs."""
    tables = [each[0] for each in outputs if each.ndim == PROTOTYPE_AXES - 1]
    prototypes = [each[0] for each in outputs if each.ndim == PROTOTYPE_AXES]
    if not tables or min(tables[0].shape) < FEWEST_COLUMNS or not np.isfinite(tables[0]).all():
        raise UnusableFile(
            f"{name} gives no boxes as ultralytics' detectors do. Export one: yolo export format=onnx."
        )
    table = tables[0]
    return (table.T if table.shape[0] < table.shape[1] else table), (prototypes[0] if prototypes else None)


def read_rows(rows: Numbers, prototypes: Numbers | None, frame: Frame, confidence: float) -> list[Detection]:
    """What the rows of a YOLO say: middle, size, a score for each class, shares of the prototypes."""
    shares = 0 if prototypes is None else len(prototypes)
    if rows.shape[1] == FEWEST_COLUMNS + 1 + shares and is_finished(rows):
        boxes, scores = rows[:, :4], rows[:, 4]
    else:
        half = rows[:, 2:4] / 2
        boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
        scores = rows[:, 4 : rows.shape[1] - shares].max(axis=1)
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sizes.tolist(), scores.tolist(), confidence, OVERLAP)
    found: list[Detection] = []
    for place in np.asarray(kept, np.int64).flatten():
        box = frame.in_picture(boxes[place])
        outline = None
        if prototypes is not None:
            outline = draw_outline(rows[place, -shares:], prototypes, frame, box)
        found.append(Detection(box, float(scores[place]), outline))
    return sorted(found, key=lambda each: -each.confidence)


def is_finished(rows: Numbers) -> bool:
    """Whether the rows are corners, score and class already: newer networks choose among their boxes."""
    is_class = bool((rows[:, 5] == np.round(rows[:, 5])).all()) and bool((rows[:, 4] <= 1).all())
    return is_class and bool((rows[:, 2] >= rows[:, 0]).all() and (rows[:, 3] >= rows[:, 1]).all())


def draw_outline(
    shares: Numbers, prototypes: Numbers, frame: Frame, box: tuple[float, float, float, float]
) -> Image.Image:
    """The outline (mode L) that shares of the prototypes (count, h, w) make, within its box."""
    values = np.tensordot(shares, prototypes, axes=1)
    small = Image.fromarray(values.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    width, height = (max(round(side * frame.scale), 1) for side in frame.size)
    inner = small.crop((frame.left, frame.top, frame.left + width, frame.top + height))
    whole = np.asarray(inner.resize(frame.size, Image.Resampling.BILINEAR))
    # A sigmoid's half.
    outline = Image.fromarray(np.where(whole > 0, 255, 0).astype(np.uint8))
    within = Image.new("L", frame.size)
    ImageDraw.Draw(within).rectangle(box, fill=255)
    return Image.composite(outline, Image.new("L", frame.size), within)


def corners(box: Numbers) -> tuple[float, float, float, float]:
    """Left, top, width, height to corners."""
    left, top, width, height = (float(each) for each in box)
    return left, top, left + width, top + height


def clip(
    left: float, top: float, right: float, bottom: float, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Corners within a picture."""
    width, height = size
    return (
        min(max(left, 0), width),
        min(max(top, 0), height),
        min(max(right, 0), width),
        min(max(bottom, 0), height),
    )
