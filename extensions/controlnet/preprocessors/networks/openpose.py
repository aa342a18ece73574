"""People's joints by OpenPose (Cao et al. 2017, Simon et al. 2017), whose files forbid commercial use.

The body is found in the whole picture, hands and faces in the squares where the body says that they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks.leased import device_of, lease
from extensions.controlnet.preprocessors.pixels import Pixels, resize_to
from extensions.controlnet.preprocessors.skeletons import (
    BODY_JOINTS,
    DRAWN_LIMBS,
    FACE_JOINTS,
    HAND_JOINTS,
    LIMBS,
    Joint,
    Person,
)

Floats = NDArray[np.float32]
Layer = tuple[str, int, int, int]
POOL = ("pool", 0, 0, 0)
# Name, channels before and after, and side of the kernel: the first ten layers of VGG-19.
VGG: tuple[Layer, ...] = (
    ("conv1_1", 3, 64, 3), ("conv1_2", 64, 64, 3), POOL,
    ("conv2_1", 64, 128, 3), ("conv2_2", 128, 128, 3), POOL,
    ("conv3_1", 128, 256, 3), ("conv3_2", 256, 256, 3), ("conv3_3", 256, 256, 3), ("conv3_4", 256, 256, 3),
    POOL,
    ("conv4_1", 256, 512, 3), ("conv4_2", 512, 512, 3),
)  # fmt: skip
BODY_STEM = (*VGG, ("conv4_3_CPM", 512, 256, 3), ("conv4_4_CPM", 256, 128, 3))
PART_STEM = (
    *VGG, ("conv4_3", 512, 512, 3), ("conv4_4", 512, 512, 3), ("conv5_1", 512, 512, 3),
    ("conv5_2", 512, 512, 3), ("conv5_3_CPM", 512, 128, 3),
)  # fmt: skip
FEATURES, STAGES = 128, range(1, 7)
# Fields that lead along limbs, and maps of joints and the background, by branch of the body's network.
BRANCHES = {"L1": 38, "L2": 19}
# Of a hand's and a face's joints, and of what is neither.
HAND_MAPS, FACE_MAPS = HAND_JOINTS + 1, FACE_JOINTS + 1
# Which two fields lead along which limb.
FIELDS = (
    (12, 13), (20, 21), (14, 15), (16, 17), (22, 23), (24, 25), (0, 1), (2, 3), (4, 5), (6, 7), (8, 9),
    (10, 11), (28, 29), (30, 31), (34, 35), (32, 33), (36, 37), (18, 19), (26, 27),
)  # fmt: skip
# The side that the networks were trained with, and the longest that a strip is made.
SIDE, LONGEST, STRIDE = 368, 1472, 8
PEAK, HAND_PEAK, ALONG, SMOOTHING = 0.1, 0.05, 0.05, 3.0
SAMPLES, LEAST_SAMPLES = 10, 8
LEAST_JOINTS, LEAST_SCORE = 4, 0.4
MOST_PEAKS = 64
SHOULDER, ELBOW, WRIST = {"left": 5, "right": 2}, {"left": 6, "right": 3}, {"left": 7, "right": 4}
# A hand lies a third of the forearm beyond the wrist; its box is so many forearms wide.
BEYOND, BOX, UPPER_ARM, SMALLEST_BOX = 0.33, 1.5, 0.9, 20
NOSE, EYES, EARS = 0, (14, 15), (16, 17)
# A face reaches three times as far from the nose as an eye is, or one and a half times as far as an ear.
TO_EYES, TO_EARS = 3.0, 1.5
FACE_SIDE = 384


class Stack(nn.Module):
    """Convolutions with the names that the files have, with a ReLU after each but the last of a branch."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        for name, before, after, kernel in layers:
            if name != "pool":
                self.add_module(name, nn.Conv2d(before, after, kernel, padding=kernel // 2))

    def run(self, layers: Sequence[Layer], state: Tensor, *, ends: bool = False) -> Tensor:
        """Through these layers; `ends`: the last has no ReLU."""
        for number, (name, *_) in enumerate(layers, start=1):
            if name == "pool":
                state = functional.max_pool2d(state, 2)
                continue
            state = self.get_submodule(name)(state)
            if not (ends and number == len(layers)):
                state = functional.relu(state)
        return state


def body_branch(stage: int, branch: str) -> tuple[Layer, ...]:
    """The layers of a branch in a stage."""
    maps = BRANCHES[branch]
    if stage == 1:
        narrow = [(f"conv5_{number}_CPM_{branch}", FEATURES, FEATURES, 3) for number in (1, 2, 3)]
        return (*narrow, (f"conv5_4_CPM_{branch}", FEATURES, 512, 1), (f"conv5_5_CPM_{branch}", 512, maps, 1))
    return refine_layers(stage, f"_{branch}", sum(BRANCHES.values()) + FEATURES, maps)


def part_branch(stage: int, maps: int) -> tuple[Layer, ...]:
    """The layers of a stage of the network for a part of the body, which makes so many maps."""
    if stage == 1:
        return (("conv6_1_CPM", FEATURES, 512, 1), ("conv6_2_CPM", 512, maps, 1))
    return refine_layers(stage, "", maps + FEATURES, maps)


def refine_layers(stage: int, suffix: str, before: int, maps: int) -> tuple[Layer, ...]:
    """Five wide convolutions and two narrow ones."""
    wide = [
        (f"Mconv{number}_stage{stage}{suffix}", before if number == 1 else FEATURES, FEATURES, 7)
        for number in range(1, 6)
    ]
    sixth, last = (f"Mconv{number}_stage{stage}{suffix}" for number in (6, 7))
    return (*wide, (sixth, FEATURES, FEATURES, 1), (last, FEATURES, maps, 1))


class BodyNetwork(Stack):
    """Fields along limbs, and maps of joints."""

    def __init__(self) -> None:
        branches = (layer for stage in STAGES for branch in BRANCHES for layer in body_branch(stage, branch))
        super().__init__((*BODY_STEM, *branches))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """BGR (B, 3, H, W) from -0.5 to 0.5 to fields (B, 38, H/8, W/8) and maps (B, 19, H/8, W/8)."""
        features = self.run(BODY_STEM, image)
        state, found = features, (features, features)
        for stage in STAGES:
            first, second = (self.run(body_branch(stage, each), state, ends=True) for each in BRANCHES)
            found, state = (first, second), torch.cat([first, second, features], 1)
        return found


class PartNetwork(Stack):
    """Maps of the joints of a part of the body."""

    def __init__(self, maps: int) -> None:
        super().__init__((*PART_STEM, *(layer for stage in STAGES for layer in part_branch(stage, maps))))
        self.maps = maps

    def forward(self, image: Tensor) -> Tensor:
        """BGR (B, 3, H, W) from -0.5 to 0.5 to maps (B, maps, H/8, W/8)."""
        features = self.run(PART_STEM, image)
        state = found = features
        for stage in STAGES:
            found = self.run(part_branch(stage, self.maps), state, ends=True)
            state = torch.cat([found, features], 1)
        return found


class HandNetwork(PartNetwork):
    """Maps of a hand's joints."""

    def __init__(self) -> None:
        super().__init__(HAND_MAPS)


class FaceNetwork(PartNetwork):
    """Maps of a face's joints."""

    def __init__(self) -> None:
        super().__init__(FACE_MAPS)


@torch.no_grad()
def find_people(
    inputs: PreprocessorInputs, pixels: Pixels, *, hands: bool = False, face: bool = False
) -> list[Person]:
    """Everybody in a picture (H, W, 3), in its pixels. The weights are the body's, hands' and face's."""
    files = iter(inputs.weights)
    with lease(inputs, BodyNetwork, next(files)) as network:
        fields, maps = run_body(network, pixels)
    scale = pixels.shape[1] / maps.shape[2], pixels.shape[0] / maps.shape[1]
    people = [
        Person(tuple(joint and (joint[0] * scale[0], joint[1] * scale[1]) for joint in each))
        for each in parse(fields, maps)
    ]
    if hands:
        with lease(inputs, HandNetwork, next(files)) as network:
            people = [
                replace(
                    each,
                    left=find_hand(network, pixels, each.body, "left"),
                    right=find_hand(network, pixels, each.body, "right"),
                )
                for each in people
            ]
    if face:
        with lease(inputs, FaceNetwork, next(files)) as network:
            people = [replace(each, face=find_face(network, pixels, each.body)) for each in people]
    return people


def run_body(network: nn.Module, pixels: Pixels) -> tuple[Floats, Floats]:
    """Fields (38, h, w) and maps (19, h, w) at the size that the network saw."""
    height, width = pixels.shape[:2]
    scale = min(SIDE / min(height, width), LONGEST / max(height, width))
    size = tuple(max(round(side * scale / STRIDE), 2) * STRIDE for side in (width, height))
    fields, maps = network(prepare(resize_to(pixels, size), device_of(network)))
    return enlarge(fields), enlarge(maps)


def prepare(pixels: Pixels, device: torch.device) -> Tensor:
    """As the networks know pictures."""
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    return torch.from_numpy(bgr).to(device).permute(2, 0, 1)[None].float() / 256 - 0.5


def enlarge(maps: Tensor) -> Floats:
    """Maps (1, C, h, w), eight times as large."""
    return functional.interpolate(maps.float().cpu(), scale_factor=STRIDE, mode="bicubic")[0].numpy()


@dataclass(slots=True)
class Candidate:
    """Somebody who is being put together: a peak for each joint, and how well they hold together."""

    peaks: dict[int, int] = field(default_factory=dict[int, int])
    score: float = 0.0


def parse(fields: Floats, maps: Floats) -> list[list[Joint]]:
    """Joints of each person, from fields (38, H, W) and maps (19, H, W)."""
    peaks = [find_peaks(each) for each in maps[:BODY_JOINTS]]
    people: list[Candidate] = []
    for limb, (start, end) in enumerate(LIMBS):
        for score, first, second in connect(peaks[start], peaks[end], fields[list(FIELDS[limb])]):
            attach(people, (start, first), (end, second), score, may_begin=limb < DRAWN_LIMBS)
    kept = [
        each
        for each in people
        if len(each.peaks) >= LEAST_JOINTS and each.score / len(each.peaks) >= LEAST_SCORE
    ]
    return [[place_of(peaks, each, joint) for joint in range(BODY_JOINTS)] for each in kept]


def place_of(peaks: Sequence[Floats], person: Candidate, joint: int) -> Joint:
    """Where a person's joint is."""
    if joint not in person.peaks:
        return None
    x, y = peaks[joint][person.peaks[joint]][:2].tolist()
    return x, y


def find_peaks(heat: Floats) -> Floats:
    """Where a map (H, W) is highest: x, y and how high, (N, 3), the highest first."""
    smooth = np.asarray(cv2.GaussianBlur(heat, (0, 0), SMOOTHING), np.float32)
    highest = np.asarray(cv2.dilate(smooth, np.ones((3, 3), np.uint8)), np.float32)
    rows, columns = np.nonzero((smooth == highest) & (smooth > PEAK))
    order = np.argsort(-smooth[rows, columns], kind="stable")[: 2 * MOST_PEAKS]
    # Two pixels side by side may be as high as each other: they are one peak.
    chosen: list[int] = []
    for each in order.tolist():
        near = (abs(rows[chosen] - rows[each]) <= SMOOTHING) & (
            abs(columns[chosen] - columns[each]) <= SMOOTHING
        )
        if not near.any():
            chosen.append(each)
    rows, columns = rows[chosen[:MOST_PEAKS]], columns[chosen[:MOST_PEAKS]]
    return np.stack([columns, rows, heat[rows, columns]], 1).astype(np.float32)


def connect(firsts: Floats, seconds: Floats, along: Floats) -> list[tuple[float, int, int]]:
    """Which of two joints' peaks belong together: scores and indexes, each peak once, the best first.

    A score is the mean of the field (2, H, W) along the way between them.
    """
    height = along.shape[1]
    found: list[tuple[float, int, int]] = []
    for first, start in enumerate(firsts):
        for second, end in enumerate(seconds):
            score = score_of(start[:2], end[:2], along, height)
            if score is not None:
                peaks = float(start[2] + end[2]) / 2
                found.append((score + peaks, first, second))
    found.sort(key=lambda each: -each[0])
    used: tuple[set[int], set[int]] = (set(), set())
    chosen: list[tuple[float, int, int]] = []
    for score, first, second in found:
        if first not in used[0] and second not in used[1]:
            used[0].add(first)
            used[1].add(second)
            chosen.append((score, first, second))
    return chosen


def score_of(start: Floats, end: Floats, along: Floats, height: int) -> float | None:
    """How well a field leads from one place to another; None where it does not."""
    way = end - start
    length = max(float(np.hypot(*way)), 1e-3)
    places = np.rint(start + np.linspace(0, 1, SAMPLES)[:, None] * way).astype(np.int64)
    led = (along[:, places[:, 1], places[:, 0]] * (way / length)[:, None]).sum(0)
    # Limbs longer than half the picture are not believed as much.
    score = float(led.mean()) + min(0.5 * height / length - 1, 0)
    return score if score > 0 and (led > ALONG).sum() >= LEAST_SAMPLES else None


def attach(
    people: list[Candidate], first: tuple[int, int], second: tuple[int, int], score: float, *, may_begin: bool
) -> None:
    """Give a limb to whoever has one of its ends, join two who have one each, or begin another person."""
    owners = [
        each for each in people if any(each.peaks.get(joint) == peak for joint, peak in (first, second))
    ]
    if not owners:
        if may_begin:
            people.append(Candidate({first[0]: first[1], second[0]: second[1]}, score))
        return
    owner, *others = owners
    for other in others[:1]:
        if not owner.peaks.keys() & other.peaks.keys():
            owner.peaks |= other.peaks
            owner.score += other.score
            people.remove(other)
    for joint, peak in (first, second):
        owner.peaks.setdefault(joint, peak)
    owner.score += score


def find_hand(
    network: nn.Module, pixels: Pixels, joints: Sequence[Joint], side: str
) -> tuple[Joint, ...] | None:
    """The joints of a hand in the picture's pixels; None where there is none to be seen."""
    box = hand_box(joints, side, pixels.shape[1], pixels.shape[0])
    if box is None:
        return None
    left, top, size = box
    cut = np.ascontiguousarray(pixels[top : top + size, left : left + size])
    maps = enlarge(network(prepare(resize_to(cut, (SIDE, SIDE)), device_of(network))))
    found: list[Joint] = []
    for heat in maps[:HAND_JOINTS]:
        smooth = np.asarray(cv2.GaussianBlur(heat, (0, 0), SMOOTHING), np.float32)
        row, column = divmod(int(smooth.argmax()), smooth.shape[1])
        place = (left + column * cut.shape[1] / SIDE, top + row * cut.shape[0] / SIDE)
        found.append(place if smooth[row, column] > HAND_PEAK else None)
    return tuple(found) if any(found) else None


def hand_box(joints: Sequence[Joint], side: str, width: int, height: int) -> tuple[int, int, int] | None:
    """Left, top and side of the square that a hand lies in; None where the arm is not seen or it is tiny."""
    shoulder, elbow, wrist = joints[SHOULDER[side]], joints[ELBOW[side]], joints[WRIST[side]]
    if shoulder is None or elbow is None or wrist is None:
        return None
    x, y = (wrist[axis] + BEYOND * (wrist[axis] - elbow[axis]) for axis in (0, 1))
    reach = BOX * max(math.dist(wrist, elbow), UPPER_ARM * math.dist(elbow, shoulder))
    left, top = (max(int(value - reach / 2), 0) for value in (x, y))
    size = int(min(reach, width - left, height - top))
    return (left, top, size) if size >= SMALLEST_BOX else None


def find_face(network: nn.Module, pixels: Pixels, joints: Sequence[Joint]) -> tuple[Joint, ...] | None:
    """The joints of a face in the picture's pixels; None where there is none to be seen."""
    box = face_box(joints, pixels.shape[1], pixels.shape[0])
    if box is None:
        return None
    left, top, size = box
    cut = np.ascontiguousarray(pixels[top : top + size, left : left + size])
    given = prepare(resize_to(cut, (FACE_SIDE, FACE_SIDE)), device_of(network))
    maps = functional.interpolate(
        network(given).float().cpu(), cut.shape[:2], mode="bilinear", align_corners=True
    )[0, :FACE_JOINTS].numpy()
    found: list[Joint] = []
    for heat in maps:
        row, column = divmod(int(heat.argmax()), heat.shape[1])
        found.append((left + column, top + row) if heat[row, column] > HAND_PEAK else None)
    return tuple(found) if any(found) else None


def face_box(joints: Sequence[Joint], width: int, height: int) -> tuple[int, int, int] | None:
    """Left, top and side of the square that a face lies in; None where it is not seen or it is tiny."""
    nose = joints[NOSE]
    if nose is None:
        return None
    reaches = [
        share * max(abs(nose[axis] - place[axis]) for axis in (0, 1))
        for share, around in ((TO_EYES, EYES), (TO_EARS, EARS))
        for joint in around
        if (place := joints[joint]) is not None
    ]
    reach = max(reaches, default=0.0)
    left, top = (max(int(value - reach), 0) for value in nose)
    size = int(min(2 * reach, width - left, height - top))
    return (left, top, size) if size >= SMALLEST_BOX else None
