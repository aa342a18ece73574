"""People as skeletons, by OpenPose or DWPose: which parts each preprocessor finds and draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from extensions.controlnet.preprocessors.inputs import PreprocessorInputs
from extensions.controlnet.preprocessors.networks import dwpose, openpose
from extensions.controlnet.preprocessors.pixels import Pixels, resize
from extensions.controlnet.preprocessors.skeletons import BODY_JOINTS, Person, draw_people


@dataclass(frozen=True, slots=True)
class Parts:
    """What of people is found and drawn."""

    hands: bool = False
    face: bool = False
    body: bool = True
    by_dwpose: bool = False


# By the preprocessor's name.
PARTS: Mapping[str, Parts] = MappingProxyType(
    {
        "openpose": Parts(),
        "openpose_hand": Parts(hands=True),
        "openpose_face": Parts(face=True),
        "openpose_faceonly": Parts(face=True, body=False),
        "openpose_full": Parts(hands=True, face=True),
        "dw_openpose_full": Parts(hands=True, face=True, by_dwpose=True),
    }
)


def body(inputs: PreprocessorInputs) -> Pixels:
    """Bodies."""
    return draw(inputs, "openpose")


def body_and_hands(inputs: PreprocessorInputs) -> Pixels:
    """Bodies and hands."""
    return draw(inputs, "openpose_hand")


def body_and_face(inputs: PreprocessorInputs) -> Pixels:
    """Bodies and faces."""
    return draw(inputs, "openpose_face")


def face_alone(inputs: PreprocessorInputs) -> Pixels:
    """Faces without bodies."""
    return draw(inputs, "openpose_faceonly")


def everything(inputs: PreprocessorInputs) -> Pixels:
    """Bodies, hands and faces."""
    return draw(inputs, "openpose_full")


def everything_by_dwpose(inputs: PreprocessorInputs) -> Pixels:
    """Bodies, hands and faces by DWPose."""
    return draw(inputs, "dw_openpose_full")


def draw(inputs: PreprocessorInputs, name: str) -> Pixels:
    """The skeletons of the preprocessor of this name, at the resolution."""
    return draw_people(*find_pose(inputs, name))


def find_pose(inputs: PreprocessorInputs, name: str) -> tuple[list[Person], int, int]:
    """Everybody in the picture at its resolution, and the width and height of that."""
    parts = PARTS[name]
    pixels = resize(inputs.pixels, inputs.resolution)
    height, width = pixels.shape[:2]
    if parts.by_dwpose:
        people = dwpose.find_people(inputs, pixels)
    else:
        people = openpose.find_people(inputs, pixels, hands=parts.hands, face=parts.face)
    if not parts.body:
        people = [replace(each, body=(None,) * BODY_JOINTS) for each in people]
    return people, width, height
