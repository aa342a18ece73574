"""Normals, segmentation, DWPose and LaMa, on files of random weights with the published names.

The forwards of normals (and of OpenPose's faces) were held against controlnet-aux's once, by hand: equal.
"""

import zipfile
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import (
    ConvNextConfig,
    OneFormerConfig,
    OneFormerForUniversalSegmentation,
    SwinConfig,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from extensions.controlnet.preprocessors.networks import dwpose, normal, segmentation
from extensions.controlnet.preprocessors.palettes import ADE20K, read_palette
from extensions.controlnet.preprocessors.pixels import resize
from tests.extensions.controlnet.test_annotators import (
    annotators,
    picture,
    processor,
    random_tensors,
    save_as_published,
)
from tests.extensions.detailer.detector_file import field, node, shape, tensor
from webui.plugins import UnusableFile

__all__ = ["annotators", "processor"]
STAGES = ["stage1", "stage2", "stage3", "stage4"]


def test_the_network_of_normals_has_the_names_of_the_published_file():
    with torch.device("meta"):
        names = {name: tuple(value.shape) for name, value in normal.NormalNetwork().state_dict().items()}
    # scannet.pt holds five more, of a norm that is not used.
    assert len(names) == 936 - 5
    assert names["encoder.original_model.conv_stem.weight"] == (48, 3, 3, 3)
    assert names["encoder.original_model.blocks.0.0.se.conv_reduce.weight"] == (12, 48, 1, 1)
    assert names["encoder.original_model.blocks.1.0.conv_pw.weight"] == (144, 24, 1, 1)
    assert names["encoder.original_model.blocks.6.2.conv_pwl.weight"] == (512, 3072, 1, 1)
    assert names["decoder.up1._net.0.weight"] == (1024, 2048 + 176, 3, 3)
    assert names["decoder.out_conv_res1.6.weight"] == (4, 128, 1)
    assert sum(np.prod(size) for size in names.values()) * 4 == pytest.approx(290.4e6, rel=0.001)


def test_normals_are_directions_at_the_pictures_size(processor, annotators, monkeypatch):
    monkeypatch.setattr(
        normal, "STAGES", tuple((1, kernel, stride, wide, 8) for _, kernel, stride, wide, _ in normal.STAGES)
    )
    monkeypatch.setattr(normal, "HEAD", 16)
    monkeypatch.setattr(normal, "UP", (16, 8, 8, 8))
    tensors = {
        name: value.abs() + 1 if "running_var" in name else value
        for name, value in random_tensors(normal.NormalNetwork()).items()
    }
    torch.save(
        {"model": {f"module.{name}": value for name, value in tensors.items()}}, annotators / "scannet.pt"
    )
    image = picture(128, 64)
    found = np.array(processor.run("normal_bae", image, (64, -1, -1), None)).astype(float) / 127.5 - 1
    assert found.shape == (64, 128, 3)
    assert np.abs(np.linalg.norm(found, axis=2) - 1).max() < 0.03
    network = normal.NormalNetwork().eval()
    network.load_state_dict(tensors)
    mean, spread = (np.array(each, np.float32) for each in (normal.MEAN, normal.SPREAD))
    given = torch.from_numpy((np.array(image, np.float32) / 255 - mean) / spread).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = network(given)[0, :3].permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() < 0.02


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(7, 3, 2), (8, 3, 2), (9, 5, 2), (10, 5, 2), (6, 3, 1)]
)
def test_padding_is_tensorflows(side, kernel, stride):
    conv = normal.SameConv(1, 1, kernel, stride).requires_grad_(False)
    image = torch.randn(1, 1, side, side)
    after = -(-side // stride)
    missing = max((after - 1) * stride + kernel - side, 0)
    padded = torch.zeros(side + missing, side + missing)
    begin = missing // 2
    padded[begin : begin + side, begin : begin + side] = image[0, 0]
    expected = torch.tensor(
        [
            [
                (padded[y : y + kernel, x : x + kernel] * conv.weight[0, 0]).sum()
                for x in range(0, after * stride, stride)
            ]
            for y in range(0, after * stride, stride)
        ]
    )
    assert torch.allclose(conv(image)[0, 0], expected, atol=1e-5)


def test_ade20k_has_150_colours_and_walls_are_grey():
    colours = read_palette(ADE20K)
    assert len(colours) == 150
    assert (colours[0], colours[2], colours[12], colours[149]) == (
        (120, 120, 120), (6, 230, 230), (150, 5, 61), (92, 0, 255),
    )  # fmt: skip


def tiny_oneformer():
    config = OneFormerConfig(
        backbone_config=SwinConfig(
            embed_dim=8, depths=[1, 2, 1, 1], num_heads=[1, 2, 4, 8], window_size=4, out_features=STAGES
        ),
        num_queries=20, num_labels=150, encoder_feedforward_dim=12, dim_feedforward=20, encoder_layers=1,
        decoder_layers=3, query_dec_layers=1, hidden_dim=32, conv_dim=32, mask_dim=32, num_attention_heads=8,
        is_training=False,
    )  # fmt: skip
    network = OneFormerForUniversalSegmentation(config).eval().requires_grad_(False)
    # As it begins, all its queries are of one class and lie everywhere.
    network.model.transformer_module.decoder.class_embed.weight.normal_(0, 3)
    network.model.pixel_level_module.decoder.mask_projection.weight.normal_(0, 20)
    return network


def tiny_upernet():
    backbone = ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 2, 1, 1], out_features=STAGES)
    config = UperNetConfig(backbone_config=backbone, hidden_size=16, num_labels=150, use_auxiliary_head=False)
    return UperNetForSemanticSegmentation(config).eval()


def classes_of_oneformer(network, given):
    """As its authors make classes of masks."""
    task = torch.zeros(1, 77)
    task[0, :7] = torch.tensor([49406, 518, 10549, 533, 29119, 1550, 49407])
    found = network(pixel_values=given, task_inputs=task)
    scores = found.class_queries_logits[0].softmax(-1)[:, :-1]
    masks = found.masks_queries_logits[0].sigmoid()
    return (scores[:, :, None, None] * masks[:, None]).sum(0)


@pytest.mark.parametrize(
    ("module", "make", "file", "scores"),
    [
        ("oneformer_ade20k", tiny_oneformer, "oneformer_ade20k_swin_large.safetensors", classes_of_oneformer),
        ("seg_ufade20k", tiny_upernet, "upernet_convnext_small.safetensors",
         lambda network, given: network(pixel_values=given).logits[0]),
    ],
)  # fmt: skip
def test_segments_have_the_colours_of_their_classes(
    processor, annotators, monkeypatch, module, make, file, scores
):
    monkeypatch.setattr(segmentation, "SIDE", 64)
    torch.manual_seed(1)
    network = make()
    save_as_published(network, annotators / file)
    image = picture(96, 64)
    found = np.array(processor.run(module, image, (64, -1, -1), None))
    with torch.no_grad():
        given = segmentation.prepare(resize(np.array(image), 64), 64)
        large = functional.interpolate(scores(network, given)[None], (64, 96), mode="bilinear")
    expected = np.array(read_palette(ADE20K))[large[0].argmax(0).numpy()]
    assert (found == expected).all(axis=2).mean() > 0.999
    assert large.std((2, 3)).max() > 1e-4


def test_what_does_not_segment_is_refused(processor, annotators):
    torch.save({"decode_head.classifier.weight": torch.zeros(1)}, annotators / "upernet_convnext_small.bin")
    with pytest.raises(UnusableFile, match="no network that segments"):
        processor.run("seg_ufade20k", picture(), (64, -1, -1), None)


def constant_network(path, sides: Sequence[int], outputs: dict[str, np.ndarray]):
    """An ONNX network that answers the same whatever it is shown, of the given height and width."""
    height, width = sides
    graph = field(1, node("AveragePool", ["input"], "mean", kernel_shape=[height, width], strides=[1, 1]))
    constants, ends = b"", b""
    for name, values in outputs.items():
        flat = values.astype(np.float32).ravel()
        graph += field(1, node("Conv", ["mean", f"{name}w", f"{name}b"], f"{name}c", kernel_shape=[1, 1]))
        graph += field(1, node("Reshape", [f"{name}c", f"{name}s"], name))
        for part, value in (
            ("w", np.zeros((flat.size, 3, 1, 1), np.float32)), ("b", flat),
            ("s", np.array(values.shape, np.int64)),
        ):  # fmt: skip
            constants += field(5, tensor(f"{name}{part}", value))
        ends += field(12, shape(name, *values.shape))
    graph += field(2, "constant") + constants + field(11, shape("input", 1, 3, height, width)) + ends
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))


def rows_of_boxes(boxes):
    """YOLOX's answer for boxes (left, top, right, bottom, score) in the square that it sees."""
    rows = np.zeros((1, 8400, 85), np.float32)
    for left, top, right, bottom, score in boxes:
        x, y = (left + right) / 2, (top + bottom) / 2
        at = int(y // 8) * 80 + int(x // 8)
        rows[0, at, :6] = [
            x / 8 - x // 8, y / 8 - y // 8, np.log((right - left) / 8), np.log((bottom - top) / 8), score, 1,
        ]  # fmt: skip
    return rows


def test_dwpose_places_joints_in_the_boxes_of_people(processor, annotators):
    # The picture of 320 x 160 fills the upper half of the square, twice as large.
    boxes = [(40, 20, 140, 300, 0.9), (44, 22, 150, 300, 0.8), (400, 40, 480, 280, 0.7), (0, 0, 50, 50, 0.1)]
    constant_network(annotators / "yolox_l.onnx", (640, 640), {"output": rows_of_boxes(boxes)})
    joints = np.random.default_rng(0).integers(10, 270, (133, 2))
    answers = {}
    for name, axis, side in (("simcc_x", 0, 576), ("simcc_y", 1, 768)):
        answers[name] = np.zeros((1, 133, side), np.float32)
        answers[name][0, np.arange(133), 2 * joints[:, axis]] = 0.8
        # Ankles are not seen.
        answers[name][0, [15, 16]] *= 0.2
    constant_network(annotators / "dw-ll_ucoco_384.onnx", (384, 288), answers)
    image = picture(320, 160)
    found = processor.find_pose("dwpose", image, 160)
    assert (found["canvas_width"], found["canvas_height"]) == (320, 160)
    people = sorted(found["people"], key=lambda each: each["pose_keypoints_2d"][0])
    assert len(people) == 2
    for person, (left, top, right, bottom) in zip(
        people, ((20, 10, 70, 150), (200, 20, 240, 140)), strict=True
    ):
        height = max(1.25 * (bottom - top), 1.25 * (right - left) * 384 / 288)
        scale, middle = height / 384, np.array([(left + right) / 2, (top + bottom) / 2])
        expected = (joints - [144, 192]) * scale + middle
        body = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)
        assert np.allclose(body[0, :2], expected[0], atol=0.6)
        assert np.allclose(body[1, :2], expected[[5, 6]].mean(0), atol=0.6)
        assert np.allclose(body[[2, 4, 5, 14, 17], :2], expected[[6, 10, 5, 2, 3]], atol=0.6)
        assert body[[10, 13], 2].tolist() == [0, 0]
        for name, part in (("face", expected[23:91]), ("hand_left", expected[91:112]),
                           ("hand_right", expected[112:133])):  # fmt: skip
            flat = np.array(person[f"{name}_keypoints_2d"]).reshape(-1, 3)
            assert np.allclose(flat[: len(part), :2], part, atol=0.6)
    drawn = np.array(processor.run("dw_openpose_full", image, (160, -1, -1), None))
    assert drawn.shape == (160, 320, 3) and drawn.any()


def test_another_onnx_network_is_refused(processor, annotators):
    constant_network(annotators / "yolox_l.onnx", (640, 640), {"output": np.zeros((1, 4))})
    (annotators / "dw-ll_ucoco_384.onnx").write_bytes(b"text")
    with pytest.raises(UnusableFile, match="YOLOX"):
        processor.run("dw_openpose_full", picture(), (64, -1, -1), None)
    with pytest.raises(UnusableFile, match="cannot be read as an ONNX network"):
        (annotators / "yolox_l.onnx").write_bytes(b"text")
        processor.run("dw_openpose_full", picture(), (64, -1, -1), None)


def test_nothing_is_found_where_no_joint_is_sure():
    assert dwpose.make_person(np.zeros((133, 2), np.float32), np.full(133, 0.2, np.float32)) is None


def test_a_program_in_place_of_lamas_weights_is_not_opened(processor, annotators):
    with zipfile.ZipFile(annotators / "big-lama.pt", "w") as archive:
        # As TorchScript writes it: an object of a class whose code lies beside.
        archive.writestr("big-lama/data.pkl", b"\x80\x02c__torch__.net\nInpainting\n)\x81}b.")
        archive.writestr("big-lama/code/__torch__/net.py", "class Inpainting(Module):\n  pass\n")
    with pytest.raises(UnusableFile, match="possibly program code"):
        processor.run("inpaint_only+lama", picture(), (-1, -1, -1), picture())
