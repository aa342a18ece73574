"""Small upscaler files with random weights, one for each architecture, made with spandrel's own classes."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from spandrel import ImageModelDescriptor
from spandrel.architectures.ATD import ATD
from spandrel.architectures.Compact import Compact
from spandrel.architectures.DAT import DAT
from spandrel.architectures.DRCT import DRCT
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.GFPGAN import GFPGAN, GFPGANArch
from spandrel.architectures.HAT import HAT
from spandrel.architectures.OmniSR import OmniSR
from spandrel.architectures.PLKSR import RealPLKSR
from spandrel.architectures.RealCUGAN import UpCunet2x
from spandrel.architectures.SAFMN import SAFMN
from spandrel.architectures.SCUNet import SCUNet
from spandrel.architectures.SPAN import SPAN
from spandrel.architectures.Swin2SR import Swin2SR
from spandrel.architectures.SwinIR import SwinIR
from torch import Tensor, nn

from webui.core.model_file import ModelFile
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.models.files.tensors import open_tensors
from webui.models.images.image_network import PictureNetwork
from webui.store.database import Database
from webui.store.header_cache import HeaderCache

SWIN = {"embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 8, "img_size": 16}
# By the name that the catalog gives: how it is made, and how many times larger its results are.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "ESRGAN": (lambda: ESRGAN(num_filters=8, num_blocks=1, scale=4), 4),
    "Compact": (lambda: Compact(num_feat=8, num_conv=2, upscale=2), 2),
    "SwinIR": (lambda: SwinIR(**SWIN, upscale=2, upsampler="pixelshuffledirect"), 2),
    "Swin2SR": (lambda: Swin2SR(**SWIN, upscale=2, upsampler="pixelshuffledirect"), 2),
    "ScuNET": (lambda: SCUNet(dim=64, config=[1, 1, 1, 1, 1, 1, 1]), 1),
    "DAT": (
        lambda: DAT(embed_dim=16, depth=[2], num_heads=[2], split_size=[2, 4], upscale=2, img_size=16),
        2,
    ),
    "HAT": (
        lambda: HAT(
            img_size=16,
            embed_dim=12,
            depths=(2,),
            num_heads=(2,),
            window_size=8,
            upscale=2,
            num_feat=16,
            squeeze_factor=4,
        ),
        2,
    ),
    "DRCT": (
        lambda: DRCT(
            img_size=16,
            embed_dim=16,
            depths=(6,),
            num_heads=(2,),
            window_size=8,
            upscale=2,
            upsampler="pixelshuffle",
            gc=8,
        ),
        2,
    ),
    "ATD": (
        lambda: ATD(
            img_size=16,
            embed_dim=12,
            depths=(2,),
            num_heads=(2,),
            window_size=8,
            upscale=2,
            upsampler="pixelshuffledirect",
            num_tokens=4,
            category_size=64,
        ),
        2,
    ),
    "SPAN": (lambda: SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=2), 2),
    "OmniSR": (lambda: OmniSR(num_feat=16, block_num=1, res_num=1, up_scale=2), 2),
    "PLKSR": (lambda: RealPLKSR(dim=16, n_blocks=2, upscaling_factor=2, norm_groups=2), 2),
    "RealCUGAN": (UpCunet2x, 2),
    "SAFMN": (lambda: SAFMN(dim=16, n_blocks=1, upscaling_factor=2), 2),
}


def weights(name: str) -> dict[str, Tensor]:
    """The tensors of a network with random weights, in its own names."""
    return random_weights(NETWORKS[name][0])


def random_weights(make: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """The same at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return {key: tensor.contiguous().clone() for key, tensor in make().state_dict().items()}


def gfpgan_weights() -> dict[str, Tensor]:
    """Tensors of a narrow GFPGAN: enough to be known by."""
    return random_weights(narrow_gfpgan)


def narrow_gfpgan() -> GFPGAN:
    """spandrel loads the published width only, which has 330 MB."""
    return GFPGAN(narrow=0.125, channel_multiplier=1, num_style_feat=16)


def narrow_gfpgan_network(file: ModelFile) -> PictureNetwork:
    """As `load_network`, for the file of `gfpgan_weights`."""
    module = narrow_gfpgan()
    tensors = open_tensors(file.path)
    return PictureNetwork(
        ImageModelDescriptor(
            module.eval(),
            tensors,
            GFPGANArch(),
            "FaceSR",
            [],
            supports_half=False,
            supports_bfloat16=True,
            scale=1,
            input_channels=3,
            output_channels=3,
        ),
        file,
    )


def write(folder: Path, name: str, tensors: dict[str, Tensor]) -> Path:
    """A file of these tensors; its suffix decides the format."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"params_ema": tensors}, path)
    return path


def catalog_of(models: Path) -> Catalog:
    """The models below a folder that is laid out as A1111's models folder."""
    roots = tuple(path for path in sorted(models.iterdir()) if path.is_dir())
    catalog = Catalog(ModelFolders(roots), HeaderCache(Database(Path(":memory:"))))
    catalog.scan()
    return catalog
