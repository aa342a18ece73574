"""Skeletons as OpenPose has them: joints, limbs and colours, its JSON, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from extensions.controlnet.preprocessors.pixels import Pixels

# x and y in pixels, None where a joint is not seen.
Joint = tuple[float, float] | None
Colour = tuple[int, int, int]
BODY_JOINTS, HAND_JOINTS, FACE_JOINTS = 18, 21, 70
NECK, RIGHT_WRIST, LEFT_WRIST = 1, 4, 7
# Pairs of joints; the first 17 are drawn, the last two only help to tell people apart.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
)  # fmt: skip
DRAWN_LIMBS = 17
COLOURS: tuple[Colour, ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255),
    (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
# A finger is four bones that begin at the wrist.
BONES = tuple(
    (finger * 4 + bone if bone else 0, finger * 4 + bone + 1) for finger in range(5) for bone in range(4)
)
LIMB_BRIGHTNESS = 0.6
# Sizes in pixels where the shorter side is 512.
USUAL_SIDE, LIMB_WIDTH, JOINT_RADIUS, BONE_WIDTH, FACE_RADIUS = 512, 8, 4, 2, 3
WHITE = (255, 255, 255)
MOST_PEOPLE, MOST_SIDE = 100, 4096


@dataclass(frozen=True, slots=True)
class Person:
    """18 joints of the body in COCO's order, 21 of each hand that is seen, and 70 of the face: the outline,
    brows, nose, eyes and mouth of 68, and both pupils.
    """

    body: tuple[Joint, ...]
    left: tuple[Joint, ...] | None = None
    right: tuple[Joint, ...] | None = None
    face: tuple[Joint, ...] | None = None


def draw_people(people: Sequence[Person], width: int, height: int) -> Pixels:
    """Skeletons upon black, as the networks were trained with them."""
    canvas = np.zeros((height, width, 3), np.uint8)
    scale = max(min(width, height) / USUAL_SIDE, 0.5)
    for person in people:
        draw_body(canvas, person.body, scale)
    for hand in (hand for person in people for hand in (person.left, person.right) if hand):
        draw_hand(canvas, hand, scale)
    for joint in (joint for person in people for joint in person.face or ()):
        draw_dot(canvas, joint, WHITE, FACE_RADIUS * scale)
    return canvas


def draw_body(canvas: Pixels, body: Sequence[Joint], scale: float) -> None:
    """Limbs as thin ellipses, joints as discs."""
    for (start, end), colour in zip(LIMBS[:DRAWN_LIMBS], COLOURS, strict=False):
        first, second = body[start], body[end]
        if first is None or second is None:
            continue
        across, down = second[0] - first[0], second[1] - first[1]
        centre = (round((first[0] + second[0]) / 2), round((first[1] + second[1]) / 2))
        axes = (round(math.hypot(across, down) / 2), max(round(LIMB_WIDTH * scale / 2), 1))
        angle = round(math.degrees(math.atan2(down, across)))
        outline = np.asarray(cv2.ellipse2Poly(centre, axes, angle, 0, 360, 1), np.int32)
        cv2.fillConvexPoly(canvas, outline, [round(value * LIMB_BRIGHTNESS) for value in colour])
    for joint, colour in zip(body, COLOURS, strict=True):
        draw_dot(canvas, joint, colour, JOINT_RADIUS * scale)


def draw_hand(canvas: Pixels, hand: Sequence[Joint], scale: float) -> None:
    """Bones in the colours of the rainbow, joints in blue."""
    for number, (start, end) in enumerate(BONES):
        first, second = hand[start], hand[end]
        if first is not None and second is not None:
            ends = [(round(point[0]), round(point[1])) for point in (first, second)]
            cv2.line(
                canvas, ends[0], ends[1], rainbow(number / len(BONES)), max(round(BONE_WIDTH * scale), 1)
            )
    for joint in hand:
        draw_dot(canvas, joint, (0, 0, 255), (JOINT_RADIUS - 1) * scale)


def draw_dot(canvas: Pixels, joint: Joint, colour: Colour, radius: float) -> None:
    """A disc."""
    if joint is not None:
        cv2.circle(canvas, (round(joint[0]), round(joint[1])), max(round(radius), 1), colour, -1)


def rainbow(share: float) -> Colour:
    """A pure colour, red at 0, round the circle of hues."""
    hue = np.array([[[share * 360, 1.0, 1.0]]], np.float32)
    red, green, blue = (np.asarray(cv2.cvtColor(hue, cv2.COLOR_HSV2RGB))[0, 0] * 255).round().tolist()
    return int(red), int(green), int(blue)


def to_json(people: Sequence[Person], width: int, height: int) -> dict[str, Any]:
    """As OpenPose writes it: x, y and 1 (0 where a joint is not seen), in pixels."""

    def flat(joints: Sequence[Joint] | None) -> list[float]:
        return [value for joint in joints or () for value in ((*joint, 1.0) if joint else (0.0, 0.0, 0.0))]

    return {
        "people": [
            {
                "pose_keypoints_2d": flat(person.body),
                "face_keypoints_2d": flat(person.face),
                "hand_left_keypoints_2d": flat(person.left),
                "hand_right_keypoints_2d": flat(person.right),
            }
            for person in people
        ],
        "canvas_width": width,
        "canvas_height": height,
    }


def from_json(file: dict[str, Any]) -> tuple[list[Person], int, int]:
    """People, width and height of OpenPose's JSON, in pixels or shares of the canvas. Raises ValueError."""
    width, height = round(float(file.get("canvas_width", 512))), round(float(file.get("canvas_height", 512)))
    if not (1 <= width <= MOST_SIDE and 1 <= height <= MOST_SIDE):
        raise ValueError(f"canvas_width and canvas_height must be 1 to {MOST_SIDE}")
    listed = file.get("people")
    if not isinstance(listed, list) or len(listed) > MOST_PEOPLE:
        raise ValueError(f"people must be a list of at most {MOST_PEOPLE}")
    return [read_person(each, width, height) for each in listed], width, height


def read_person(written: Any, width: int, height: int) -> Person:  # noqa: ANN401 - whatever a client sent
    """One of the people. Raises ValueError."""
    if not isinstance(written, dict):
        raise ValueError("each of people must be an object")
    names = ("pose_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d", "face_keypoints_2d")
    lists = [[float(value) for value in written.get(name) or ()] for name in names]
    if not all(math.isfinite(value) for values in lists for value in values):
        raise ValueError("joints must be numbers")
    places = [value for values in lists for at, value in enumerate(values) if at % 3 < 2]
    are_shares = any(places) and max(places) <= 1.5
    scale = (width, height) if are_shares else (1, 1)
    counts = (BODY_JOINTS, HAND_JOINTS, HAND_JOINTS, FACE_JOINTS)
    body, *parts = (read_joints(values, scale, count) for values, count in zip(lists, counts, strict=True))
    return Person(body, *(part if any(part) else None for part in parts))


def read_joints(values: list[float], scale: tuple[int, int], count: int) -> tuple[Joint, ...]:
    """So many joints; those that are missing are not seen."""
    # Joints far outside are drawn nowhere, and OpenCV counts in 16 bits.
    limit = 4 * MOST_SIDE
    found: list[Joint] = []
    for at in range(0, 3 * count, 3):
        x, y, seen = (*values[at : at + 3], 0.0, 0.0, 0.0)[:3]
        place = (x * scale[0], y * scale[1])
        found.append(place if seen > 0 and all(abs(value) < limit for value in place) else None)
    return tuple(found)
