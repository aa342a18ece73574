"""RetinaFace on a ResNet-50 (Deng et al. 2020), as in the file detection_Resnet50_Final.pth.

It finds faces: boxes, and five points in each: eyes, nose, corners of the mouth.
"""

from itertools import product

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50
from torchvision.ops import nms

# Channels of ResNet-50's last three levels, and of everything after them.
LEVELS, WIDTH = (512, 1024, 2048), 256
# At each level, anchors of two sizes stand this many pixels apart.
STEPS = (8, 16, 32)
ANCHOR_SIDES = ((16, 32), (64, 128), (256, 512))
# Offsets were trained divided by these.
PLACE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
# Mean blue, green and red of the pictures that it was trained on.
MEAN_BGR = (104.0, 117.0, 123.0)
# facexlib's thresholds: the lowest score of a face, and how much two boxes of one face overlap.
SCORE_THRESHOLD, NMS_IOU = 0.97, 0.4
Numbers = npt.NDArray[np.float32]


class RetinaFace(nn.Module):
    """Module names are those of the file."""

    def __init__(self) -> None:
        super().__init__()
        whole = resnet50(weights=None)
        self.body = nn.ModuleDict(
            {name: module for name, module in whole.named_children() if name not in ("avgpool", "fc")}
        )
        self.fpn = Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = ContextModule(), ContextModule(), ContextModule()
        self.ClassHead = nn.ModuleList([Head(2) for _ in LEVELS])
        self.BboxHead = nn.ModuleList([Head(4) for _ in LEVELS])
        self.LandmarkHead = nn.ModuleList([Head(10) for _ in LEVELS])

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(1, 3, H, W) to offsets of boxes (N, 4), scores (N,) and offsets of points (N, 10)."""
        levels: list[Tensor] = []
        for name, module in self.body.items():
            picture = module(picture)
            if name in ("layer2", "layer3", "layer4"):
                levels.append(picture)
        contexts = (self.ssh1, self.ssh2, self.ssh3)
        seen = [context(level) for context, level in zip(contexts, self.fpn(levels), strict=True)]
        boxes, classes, points = (
            torch.cat([head(level) for head, level in zip(heads, seen, strict=True)])
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return boxes, classes.softmax(-1)[:, 1], points


class Pyramid(nn.Module):
    """Each level gets what the coarser one saw."""

    def __init__(self) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (convolution(width, WIDTH, 1) for width in LEVELS)
        self.merge1, self.merge2 = convolution(WIDTH, WIDTH, 3), convolution(WIDTH, WIDTH, 3)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """Three levels, finest first, in and out."""
        fine, middle, coarse = self.output1(levels[0]), self.output2(levels[1]), self.output3(levels[2])
        middle = self.merge2(middle + functional.interpolate(coarse, size=middle.shape[-2:]))
        fine = self.merge1(fine + functional.interpolate(middle, size=fine.shape[-2:]))
        return [fine, middle, coarse]


class ContextModule(nn.Module):
    """Looks around with convolutions of 3, 5 and 7 pixels, the larger made of small ones."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter = WIDTH // 2, WIDTH // 4
        self.conv3X3 = convolution(WIDTH, half, 3, is_last=True)
        self.conv5X5_1 = convolution(WIDTH, quarter, 3)
        self.conv5X5_2 = convolution(quarter, quarter, 3, is_last=True)
        self.conv7X7_2 = convolution(quarter, quarter, 3)
        self.conv7x7_3 = convolution(quarter, quarter, 3, is_last=True)

    def forward(self, level: Tensor) -> Tensor:
        """Same shape in and out."""
        five = self.conv5X5_1(level)
        seen = [self.conv3X3(level), self.conv5X5_2(five), self.conv7x7_3(self.conv7X7_2(five))]
        return functional.relu(torch.cat(seen, dim=1))


class Head(nn.Module):
    """Numbers of each of the two anchors at each place."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv1x1 = nn.Conv2d(WIDTH, 2 * numbers, 1)

    def forward(self, level: Tensor) -> Tensor:
        """(1, 256, h, w) to (h*w*2, numbers)."""
        return self.conv1x1(level).permute(0, 2, 3, 1).reshape(-1, self.numbers)


def convolution(given: int, wanted: int, side: int, *, is_last: bool = False) -> nn.Sequential:
    """Convolution and normalisation, and a rectifier unless it is the last of a branch."""
    layers = [nn.Conv2d(given, wanted, side, padding=side // 2, bias=False), nn.BatchNorm2d(wanted)]
    return nn.Sequential(*layers, *([] if is_last else [nn.ReLU()]))


@torch.no_grad()
def find_faces(network: RetinaFace, pixels: npt.NDArray[np.uint8]) -> list[Numbers]:
    """The five points (5, 2), x and y in pixels, of each face in an RGB picture (H, W, 3), best first."""
    height, width = pixels.shape[:2]
    bgr = pixels[..., ::-1].astype(np.float32) - np.array(MEAN_BGR, np.float32)
    picture = torch.from_numpy(np.ascontiguousarray(bgr.transpose(2, 0, 1)))[None]
    weight = next(network.parameters())
    boxes, scores, points = (
        result.float().cpu() for result in network(picture.to(weight.device, weight.dtype))
    )
    anchors = anchors_of(height, width)
    centres = anchors[:, :2] + boxes[:, :2] * PLACE_VARIANCE * anchors[:, 2:]
    sizes = anchors[:, 2:] * torch.exp(boxes[:, 2:] * SIZE_VARIANCE)
    corners = torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1)
    places = points.reshape(-1, 5, 2) * PLACE_VARIANCE * anchors[:, None, 2:] + anchors[:, None, :2]
    found = scores > SCORE_THRESHOLD
    kept = nms(corners[found], scores[found], NMS_IOU)
    return list(places[found][kept].numpy())


def anchors_of(height: int, width: int) -> Tensor:
    """Centre x, y and two sides of every anchor (N, 4), in pixels, in the order of the heads' numbers."""
    found = [
        ((column + 0.5) * step, (row + 0.5) * step, side, side)
        for step, sides in zip(STEPS, ANCHOR_SIDES, strict=True)
        for row, column in product(range(-(-height // step)), range(-(-width // step)))
        for side in sides
    ]
    return torch.tensor(found, dtype=torch.float32).reshape(-1, 4)
