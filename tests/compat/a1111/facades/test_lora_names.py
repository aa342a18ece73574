"""Names of A1111's Lora extension and of the original code that extensions derive from."""

from importlib import import_module
from importlib.util import find_spec, module_from_spec

import pytest
import torch

from webui.core.errors import NotOffered

KINDS = ("full", "glora", "hada", "ia3", "lokr", "lora", "norm", "oft")


def only(module, start):
    [found] = [value for name, value in vars(module).items() if name.startswith(start)]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_each_kind_of_file_can_be_derived_from(ready_host, kind):
    network = import_module("network")
    module = import_module(f"network_{kind}")
    made = only(module, "NetworkModule")(
        network.Network("x", None), network.NetworkWeights("k", "s", {}, None)
    )
    assert isinstance(made, network.NetworkModule)
    assert (made.multiplier(), made.calc_scale()) == (1.0, 1.0)
    with pytest.raises(NotOffered, match="lora_blocks"):
        made.calc_updown(torch.zeros(1))
    assert only(module, "ModuleType")().create_module(made.network, None) is None
    with pytest.raises(AttributeError):
        _ = module.no_such_name


def test_text_encoders_have_a_strength_of_their_own(ready_host):
    network = import_module("network")
    net = network.Network("x", None)
    net.te_multiplier, net.unet_multiplier = 0.5, 2.0
    keys = ("0_transformer_text_model_x", "diffusion_model_x")
    layers = [network.NetworkModule(net, network.NetworkWeights("", key, {}, None)) for key in keys]
    assert [each.multiplier() for each in layers] == [0.5, 2.0]
    layers[0].alpha, layers[0].dim = 4, 8
    assert layers[0].calc_scale() == 0.5


def test_helpers_of_lora_like_files_compute_their_formulas(ready_host):
    helpers = import_module("lyco_helpers")
    up, down = torch.rand(6, 4, 1, 1), torch.rand(4, 5, 3, 3)
    merged = helpers.rebuild_conventional(up, down, (6, 5, 3, 3))
    picture = torch.rand(1, 5, 8, 8)
    two_layers = torch.conv2d(torch.conv2d(picture, down), up)
    assert torch.allclose(torch.conv2d(picture, merged), two_layers, atol=1e-5)
    half = helpers.rebuild_conventional(up, down, (6, 5, 3, 3), dyn_dim=2)
    assert torch.allclose(half, helpers.rebuild_conventional(up[:, :2], down[:2], (6, 5, 3, 3)))
    first, last, core = torch.rand(4, 5, 1, 1), torch.rand(6, 4, 1, 1), torch.rand(4, 4, 3, 3)
    three_layers = torch.conv2d(torch.conv2d(torch.conv2d(picture, first), core), last)
    whole = helpers.rebuild_cp_decomposition(last, first, core)
    assert torch.allclose(torch.conv2d(picture, whole), three_layers, atol=1e-4)


@pytest.mark.parametrize(
    ("number", "factor", "wanted"),
    [(64, -1, (8, 8)), (320, -1, (16, 20)), (320, 4, (4, 80)), (7, -1, (1, 7))],
)
def test_a_number_is_split_into_two_factors(ready_host, number, factor, wanted):
    assert import_module("lyco_helpers").factorization(number, factor) == wanted


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("ldm.modules.diffusionmodules.openaimodel", "conv_nd linear zero_module SpatialTransformer exists"),
        ("sgm.modules.diffusionmodules.openaimodel", "conv_nd linear zero_module SpatialTransformer exists"),
        ("ldm.models.diffusion.ddpm", "extract_into_tensor default LitEma"),
        ("ldm.models.diffusion.sampling_util", "norm_thresholding"),
        ("ui_extra_networks_lora", "ExtraNetworksPageLora"),
        ("ui_edit_user_metadata", "LoraUserMetadataEditor"),
        ("modules.shared", "State"),
    ],
)
def test_names_that_extensions_take_from_what_comes_with_a1111_can_be_imported(ready_host, module, names):
    for name in names.split():
        assert getattr(import_module(module), name) is not None


def test_where_the_wrapper_of_networks_lies_leads_to_it(ready_host):
    wrappers = import_module("sgm.modules.diffusionmodules.wrappers")
    module, _, name = wrappers.OPENAIUNETWRAPPER.rpartition(".")
    assert getattr(import_module(module), name) is wrappers.OpenAIWrapper


@pytest.mark.parametrize("name", ["lora", "network", "networks", "ui_extra_networks_lora"])
def test_the_lora_extension_is_found_by_its_place_too(ready_host, name):
    place = f"extensions-builtin.Lora.{name}"
    assert import_module(place) is import_module(name)
    # As some do, without making it a module of the program.
    spec = find_spec(place)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    known = {each for each in vars(import_module(name)) if not each.startswith("_")}
    assert known <= set(vars(made))
