"""People's joints by DWPose (Yang et al. 2023; Apache-2.0): one network finds people, another their joints.

YOLOX (Ge et al. 2021) gives boxes; the second tells, along each side of a box, where each of 133 joints is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.pixels import Pixels
from extensions.controlnet.preprocessors.skeletons import FACE_JOINTS, Joint, Person
from webui.plugins import UnusableFile

Floats = NDArray[np.float32]
# What YOLOX sees: a square with the picture in the upper left corner, the rest in this grey.
SIDE, GREY, STRIDES = 640, 114, (8, 16, 32)
PERSON, BOX_COLUMNS = 0, 85
LEAST_BOX, OVERLAP, MOST_PEOPLE = 0.3, 0.45, 32
# What the second network sees: a box with room around it, in ImageNet's colours.
WIDTH, HEIGHT, ROOM = 288, 384, 1.25
MEAN, SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
# Its answer is twice as fine as its pixels.
FINENESS, JOINTS, LEAST_JOINT = 2, 133, 0.3
SHOULDERS = (5, 6)
# COCO's joints in OpenPose's order, without the neck, which lies between the shoulders.
TO_OPENPOSE = (0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
FACE, LEFT_HAND, RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)
# Right and left in the picture; they stand for the pupils.
EYES = (2, 1)


@dataclass(frozen=True, slots=True, eq=False)
class OnnxNetwork:
    """A network of OpenCV, as the budget of all networks knows it."""

    network: Any
    size_bytes: int
    name: str

    def modules(self) -> Sequence[Any]:
        """None of torch."""
        return ()

    def run(self, given: Floats) -> list[Floats]:
        """Its outputs. Raises UnusableFile where it wants another input."""
        try:
            self.network.setInput(np.ascontiguousarray(given))
            found = self.network.forward(self.network.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise UnusableFile(f"{self.name} is not the network of DWPose. Download it again.") from error
        return [np.asarray(each, np.float32) for each in found]


def find_people(inputs: PreprocessorInputs, pixels: Pixels) -> list[Person]:
    """Everybody in a picture (H, W, 3), in its pixels, with hands and faces."""
    with lease(inputs, inputs.weights[0]) as finder:
        boxes = find_boxes(finder, pixels)
    height, width = pixels.shape[:2]
    with lease(inputs, inputs.weights[1]) as reader:
        # A portrait may hold less of a person than the first network knows people by.
        found = [
            find_joints(reader, pixels, box) for box in boxes or [(0.0, 0.0, float(width), float(height))]
        ]
    return [person for joints, scores in found if (person := make_person(joints, scores)) is not None]


def lease(inputs: PreprocessorInputs, path: Path) -> Any:  # noqa: ANN401 - a context, whose type is the lender's
    """A network of a file while the context is open. Raises UnusableFile."""

    def load(device: torch.device) -> OnnxNetwork:
        del device  # OpenCV computes on the processor
        try:
            return OnnxNetwork(cv2.dnn.readNetFromONNX(str(path)), path.stat().st_size, path.name)
        except cv2.error as error:
            raise UnusableFile(
                f"{path.name} cannot be read as an ONNX network. Download it again."
            ) from error

    key = ("preprocessor", __name__, str(path), path.stat().st_mtime_ns)
    return inputs.context.lease(key, load, path.name, path.stat().st_size)


def find_boxes(finder: OnnxNetwork, pixels: Pixels) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of people in a picture, the surest first. Raises UnusableFile."""
    height, width = pixels.shape[:2]
    scale = min(SIDE / height, SIDE / width)
    frame = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    inner = max(int(width * scale), 1), max(int(height * scale), 1)
    frame[: inner[1], : inner[0]] = cv2.resize(pixels, inner, interpolation=cv2.INTER_LINEAR)
    # It was trained with blue first.
    rows = finder.run(frame[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32))[0]
    if rows.shape[-1] != BOX_COLUMNS or rows.size != BOX_COLUMNS * len(grid()):
        raise UnusableFile(f"{finder.name} is not YOLOX for {SIDE} pixels. Download it again.")
    return read_boxes(rows.reshape(-1, BOX_COLUMNS), scale)


def grid() -> Floats:
    """Column, row and stride of each row of YOLOX's answer."""
    parts: list[Floats] = []
    for stride in STRIDES:
        side = SIDE // stride
        rows, columns = np.mgrid[:side, :side]
        parts.append(
            np.stack([columns.ravel(), rows.ravel(), np.full(side * side, stride)], 1).astype(np.float32)
        )
    return np.concatenate(parts)


def read_boxes(rows: Floats, scale: float) -> list[tuple[float, float, float, float]]:
    """Boxes of people in the picture, from YOLOX's rows (N, 85)."""
    places = grid()
    middles = (rows[:, :2] + places[:, :2]) * places[:, 2:]
    sizes = np.exp(np.clip(rows[:, 2:4], -20, 20)) * places[:, 2:]
    scores = rows[:, 4] * rows[:, 5 + PERSON]
    corners = (middles - sizes / 2) / scale
    squares = np.concatenate([corners, sizes / scale], 1)
    kept = cv2.dnn.NMSBoxes(squares.tolist(), scores.tolist(), LEAST_BOX, OVERLAP, top_k=MOST_PEOPLE)
    found: list[tuple[float, float, float, float]] = []
    for each in np.asarray(kept, np.int64).ravel()[:MOST_PEOPLE]:
        left, top, width, height = (float(value) for value in squares[each])
        found.append((left, top, left + width, top + height))
    return found


def find_joints(
    reader: OnnxNetwork, pixels: Pixels, box: tuple[float, float, float, float]
) -> tuple[Floats, Floats]:
    """Places (133, 2) in the picture and scores (133,) of a person's joints. Raises UnusableFile."""
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    size = ROOM * np.array([box[2] - box[0], box[3] - box[1]])
    size = np.maximum(size, [size[1] * WIDTH / HEIGHT, size[0] * HEIGHT / WIDTH])
    scale = size[0] / WIDTH
    matrix = np.array([[1 / scale, 0, WIDTH / 2], [0, 1 / scale, HEIGHT / 2]])
    matrix[:, 2] -= middle / scale
    cut = cv2.warpAffine(pixels, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR).astype(np.float32)
    given = ((cut - np.asarray(MEAN, np.float32)) / np.asarray(SPREAD, np.float32)).transpose(2, 0, 1)[None]
    answers = {each.shape[-1]: each for each in reader.run(given)}
    across, down = answers.get(WIDTH * FINENESS), answers.get(HEIGHT * FINENESS)
    if across is None or down is None or across.shape[:2] != (1, JOINTS) or down.shape[:2] != (1, JOINTS):
        raise UnusableFile(f"{reader.name} is not DWPose for {WIDTH}x{HEIGHT} pixels. Download it again.")
    places = np.stack([across[0].argmax(1), down[0].argmax(1)], 1) / FINENESS
    scores = np.minimum(across[0].max(1), down[0].max(1))
    moved = places * scale + middle - np.array([WIDTH, HEIGHT]) * scale / 2
    return moved.astype(np.float32), scores.astype(np.float32)


def make_person(places: Floats, scores: Floats) -> Person | None:
    """Somebody with the joints that are sure enough; None where none is."""
    joints: list[Joint] = [
        (float(x), float(y)) if score > LEAST_JOINT else None
        for (x, y), score in zip(places, scores, strict=True)
    ]
    body = [joints[each] for each in TO_OPENPOSE]
    body.insert(1, between(*(joints[each] for each in SHOULDERS)))
    face = [*joints[FACE], *(joints[each] for each in EYES)]
    assert len(face) == FACE_JOINTS, "68 and two pupils"
    parts = (joints[LEFT_HAND], joints[RIGHT_HAND], face if any(joints[FACE]) else [])
    if not any(joints):
        return None
    return Person(tuple(body), *(tuple(part) if any(part) else None for part in parts))


def between(first: Joint, second: Joint) -> Joint:
    """The middle of two joints that are both seen."""
    if first is None or second is None:
        return None
    return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
