"""People's joints: put together from maps that are drawn by hand, and skeletons as they are drawn."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from extensions.controlnet.preprocessors.networks import openpose
from extensions.controlnet.preprocessors.networks.leased import load_weights
from extensions.controlnet.preprocessors.skeletons import (
    BODY_JOINTS,
    BONES,
    COLOURS,
    FACE_JOINTS,
    LIMBS,
    Person,
    draw_people,
    from_json,
    rainbow,
    to_json,
)

# A standing person in a square of 1, in COCO's order.
STANDING = np.array(
    [
        (0.5, 0.13), (0.5, 0.25), (0.4, 0.25), (0.35, 0.4), (0.33, 0.53), (0.6, 0.25), (0.65, 0.4),
        (0.67, 0.53), (0.44, 0.52), (0.43, 0.72), (0.43, 0.92), (0.56, 0.52), (0.57, 0.72),
        (0.57, 0.92), (0.46, 0.1),
        (0.54, 0.1), (0.42, 0.13), (0.58, 0.13),
    ]
)  # fmt: skip


def person_at(x, y, size):
    return [(x + across * size, y + down * size) for across, down in STANDING]


def draw_maps(people, width, height):
    """The maps and fields that a network trained to the end would give for people."""
    fields = np.zeros((38, height, width), np.float32)
    maps = np.zeros((19, height, width), np.float32)
    rows, columns = np.mgrid[:height, :width]
    for joints in people:
        for number, joint in enumerate(joints):
            if joint is not None:
                distance = (columns - joint[0]) ** 2 + (rows - joint[1]) ** 2
                maps[number] = np.maximum(maps[number], np.exp(-distance / (2 * 7**2)))
        for (start, end), channels in zip(LIMBS, openpose.FIELDS, strict=True):
            if joints[start] is None or joints[end] is None:
                continue
            way = np.array(joints[end]) - joints[start]
            line = np.zeros((height, width), np.uint8)
            ends = [tuple(round(value) for value in joints[each]) for each in (start, end)]
            cv2.line(line, *ends, 255, 7)
            for axis, channel in enumerate(channels):
                fields[channel][line > 0] = (way / np.linalg.norm(way))[axis]
    return fields, maps


def by_place(people):
    return sorted(people, key=lambda joints: joints[1][0])


def test_everybody_is_put_together_from_maps_and_fields():
    drawn = [person_at(10, 20, 300), person_at(250, 40, 280), person_at(420, 10, 330)]
    found = by_place(openpose.parse(*draw_maps(drawn, 800, 368)))
    assert len(found) == 3
    for joints, expected in zip(found, drawn, strict=True):
        assert np.abs(np.array(joints) - expected).max() <= 2


def test_a_joint_that_is_not_seen_is_none_and_the_rest_stays():
    joints = person_at(10, 20, 300)
    joints[4] = None
    [found] = openpose.parse(*draw_maps([joints], 400, 368))
    assert found[4] is None
    assert sum(joint is not None for joint in found) == BODY_JOINTS - 1


def test_an_empty_picture_has_nobody_and_a_few_joints_are_nobody():
    assert openpose.parse(*draw_maps([], 96, 96)) == []
    few = [None] * BODY_JOINTS
    few[1], few[2] = (30.0, 30.0), (60.0, 30.0)
    assert openpose.parse(*draw_maps([few], 96, 96)) == []


def test_the_networks_have_the_names_and_shapes_of_the_published_files():
    body, hand = openpose.BodyNetwork().state_dict(), openpose.HandNetwork().state_dict()
    assert len(body) == 2 * 92
    assert body["conv4_4_CPM.weight"].shape == (128, 256, 3, 3)
    assert body["conv5_5_CPM_L1.weight"].shape == (38, 512, 1, 1)
    assert body["Mconv1_stage2_L1.weight"].shape == (128, 185, 7, 7)
    assert body["Mconv7_stage6_L2.weight"].shape == (19, 128, 1, 1)
    assert len(hand) == 2 * (15 + 2 + 5 * 7)
    assert hand["conv5_3_CPM.weight"].shape == (128, 512, 3, 3)
    assert hand["conv6_2_CPM.weight"].shape == (22, 512, 1, 1)
    assert hand["Mconv1_stage6.weight"].shape == (128, 150, 7, 7)


def test_a_faces_network_is_the_hands_with_more_maps():
    with torch.device("meta"):
        face = openpose.FaceNetwork().state_dict()
    assert len(face) == 2 * (15 + 2 + 5 * 7)
    assert face["conv6_2_CPM.weight"].shape == (71, 512, 1, 1)
    assert face["Mconv1_stage6.weight"].shape == (128, 199, 7, 7)
    assert face["Mconv7_stage2.weight"].shape == (71, 128, 1, 1)


def test_names_of_a_programs_modules_before_the_layers_are_known():
    network = nn.Sequential()
    network.add_module("conv1_1", nn.Conv2d(3, 4, 1))
    wanted = {key: torch.rand_like(value) for key, value in network.state_dict().items()}
    load_weights(network, {f"model0.{key}": value for key, value in wanted.items()}, "body.pth")
    assert all(torch.equal(value, wanted[key]) for key, value in network.state_dict().items())


def test_the_networks_maps_are_an_eighth_of_the_picture():
    with torch.no_grad():
        fields, maps = openpose.BodyNetwork().eval()(torch.rand(1, 3, 32, 48) - 0.5)
        hands = openpose.HandNetwork().eval()(torch.rand(1, 3, 32, 32) - 0.5)
    assert (fields.shape, maps.shape, hands.shape) == ((1, 38, 4, 6), (1, 19, 4, 6), (1, 22, 4, 4))


@pytest.mark.parametrize("size", [(64, 64), (3, 500), (1000, 40)])
def test_pictures_of_every_shape_are_searched(size):
    network = openpose.BodyNetwork().eval()
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    network.forward = lambda image: (torch.zeros(1, 38, 2, 2), torch.zeros(1, 19, 2, 2))
    openpose.run_body(network, np.zeros((size[1], size[0], 3), np.uint8))
    height, width = seen[0][2:]
    assert height % 8 == 0 and width % 8 == 0
    assert min(height, width) >= 16 and max(height, width) <= 1480


def test_a_hand_is_looked_for_beyond_the_wrist():
    joints = person_at(0, 0, 500)
    left, top, side = openpose.hand_box(joints, "left", 500, 500)
    wrist, elbow = joints[7], joints[6]
    beyond = [wrist[axis] + (wrist[axis] - elbow[axis]) / 3 for axis in (0, 1)]
    assert left < beyond[0] < left + side and top < beyond[1] < top + side
    joints[6] = None
    assert openpose.hand_box(joints, "left", 500, 500) is None
    assert openpose.hand_box(person_at(0, 0, 20), "left", 20, 20) is None


def test_a_face_is_looked_for_around_the_nose():
    joints = person_at(0, 0, 1000)
    left, top, side = openpose.face_box(joints, 1000, 1000)
    # The farther ear is 80 pixels from the nose, the eyes 40.
    assert (left, top, side) == (380, 10, 240)
    joints[16] = joints[17] = None
    assert openpose.face_box(joints, 1000, 1000)[2] == 240
    joints[14] = joints[15] = None
    assert openpose.face_box(joints, 1000, 1000) is None
    assert openpose.face_box(person_at(0, 0, 30), 30, 30) is None


def test_a_faces_joints_lie_where_their_maps_are_highest():
    joints = person_at(0, 0, 1000)
    left, top, side = openpose.face_box(joints, 1000, 1000)
    maps = torch.zeros(1, 71, 48, 48)
    for number in range(69):
        maps[0, number, number // 8 * 5, number % 8 * 6] = 1
    network = nn.Conv2d(3, 1, 1)
    network.forward = lambda image: maps
    found = openpose.find_face(network, np.zeros((1000, 1000, 3), np.uint8), joints)
    scale = (side - 1) / 47
    for number, joint in enumerate(found[:69]):
        place = (left + number % 8 * 6 * scale, top + number // 8 * 5 * scale)
        assert np.abs(np.array(joint) - place).max() <= 1
    assert found[69] is None and len(found) == FACE_JOINTS


def test_faces_are_white_dots():
    face = tuple((30.0 + 6 * number, 200.0) for number in range(FACE_JOINTS))
    drawn = draw_people([Person((None,) * BODY_JOINTS, face=face)], 512, 512)
    assert all(drawn[round(y), round(x)].tolist() == [255, 255, 255] for x, y in face)
    assert set(np.unique(drawn)) == {0, 255}


def test_skeletons_have_openposes_colours_upon_black():
    joints = tuple(person_at(0, 0, 500))
    drawn = draw_people([Person(joints)], 512, 512)
    assert drawn[2, 2].tolist() == [0, 0, 0]
    for joint, colour in zip(joints, COLOURS, strict=True):
        assert drawn[round(joint[1]), round(joint[0])].tolist() == list(colour)
    hip, knee = joints[11], joints[12]
    middle = drawn[round((hip[1] + knee[1]) / 2), round((hip[0] + knee[0]) / 2)]
    assert middle.tolist() == [0, 102, 153]


def test_hands_are_rainbows_with_blue_joints():
    hand = tuple((20.0 + 20 * (number % 7), 30.0 + 40 * (number // 7)) for number in range(21))
    drawn = draw_people([Person((None,) * BODY_JOINTS, left=hand)], 512, 512)
    assert all(drawn[round(y), round(x)].tolist() == [0, 0, 255] for x, y in hand)
    assert [rainbow(share) for share in (0, 1 / 3, 2 / 3)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert len(BONES) == 20


def test_poses_survive_openposes_json():
    body = (None, *[(float(number), 2.0 * number) for number in range(2, 19)])
    hand = tuple((float(number), 3.0) for number in range(2, 23))
    face = tuple((float(number), 7.0) for number in range(2, 72))
    people = [Person(body, right=hand), Person(body, face=face)]
    assert from_json(to_json(people, 640, 480)) == (people, 640, 480)


def test_shares_of_the_canvas_are_read_as_such():
    [person], _, _ = from_json(
        {"people": [{"pose_keypoints_2d": [0.5, 0.25, 1] * 18}], "canvas_width": 200, "canvas_height": 400}
    )
    assert person.body[3] == (100, 100)


@pytest.mark.parametrize(
    "file",
    [{}, {"people": 3}, {"people": [1]}, {"people": [], "canvas_width": 1e9}, {"people": [{}] * 101},
     {"people": [{"pose_keypoints_2d": ["x"]}]}, {"people": [{"pose_keypoints_2d": [float("inf"), 1, 1]}]},
     {"people": [], "canvas_width": None}, {"people": [], "canvas_width": float("nan")}],
)  # fmt: skip
def test_what_is_no_pose_is_refused(file):
    with pytest.raises((ValueError, TypeError)):
        from_json(file)


def test_joints_far_outside_are_not_drawn():
    [person], width, height = from_json({"people": [{"pose_keypoints_2d": [1e30, 5, 1] + [9, 9, 1] * 17}]})
    assert person.body[0] is None
    assert draw_people([person], width, height).any()
