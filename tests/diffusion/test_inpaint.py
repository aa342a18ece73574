import torch

from webui.diffusion.inpaint import LatentMask, MaskBlend

INIT, LATENT = torch.zeros(1, 4, 2, 2), torch.ones(1, 4, 2, 2)
LEVEL = torch.tensor([3.0])


def test_where_the_mask_is_one_the_picture_is_kept() -> None:
    keep = torch.tensor([[1.0, 0.0], [0.25, 0.5]])
    blended = LatentMask(INIT, keep).blend(LATENT, LEVEL)
    assert torch.equal(blended[0, 2], torch.tensor([[0.0, 1.0], [0.75, 0.5]]))


def test_hooks_see_the_moment_and_may_replace_the_blend() -> None:
    seen: list[float] = []

    def replace(moment: MaskBlend) -> None:
        seen.append(moment.level.item())
        moment.blended = moment.blended + moment.latent

    mask = LatentMask(INIT, torch.ones(2, 2), [replace])
    assert torch.equal(mask.blend(LATENT, LEVEL), LATENT)
    assert seen == [3.0]
