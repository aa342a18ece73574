"""Names without meaning here: imported in silence, refused with a sentence, noted with who asked."""

import pytest

from webui.core.errors import NotOffered


@pytest.fixture
def extension(ready_host, tmp_path):
    """Runs code as a file of an extension."""
    record = ready_host.health.add("mine", tmp_path / "mine")

    def run(code):
        file = tmp_path / "mine" / "scripts" / "x.py"
        names = {}
        exec(compile(code, str(file), "exec"), names)
        return names

    run.record = record
    return run


def test_a_name_without_meaning_raises_a_sentence_only_when_it_is_used(extension):
    names = extension(
        "from modules.sd_models import instantiate_from_config as made\nfrom ldm.util import default"
    )
    assert extension.record.missing == set()
    with pytest.raises(NotOffered, match=r"instantiate_from_config.*load_model"):
        names["made"]({})
    with pytest.raises(NotOffered, match="prepare_denoising"):
        names["default"](1, 2)


def test_whoever_imports_all_of_processing_has_its_modules_too(extension):
    found: dict[str, object] = {}
    exec("from modules.processing import *", found)
    assert {"sd_models", "opts", "cmd_opts", "decode_first_stage", "np", "process_images"} <= set(found)
    assert "_MODULES" not in found


def test_small_modules_mean_what_they_say(extension):
    names = extension(
        "import torch\nfrom modules import sd_emphasis, sysinfo, torch_utils, xlmr, xlmr_m18\n"
        "linear = torch.nn.Linear(2, 3)\n"
        "found = torch_utils.get_param(linear) is linear.weight\n"
        "original = sd_emphasis.get_current_option('Original')()\n"
        "original.z, original.multipliers = torch.rand(1, 4, 8) + 1, torch.tensor([[1.0, 1.3, 0.7, 1.0]])\n"
        "before = original.z\n"
        "original.after_transformers()\n"
        "sizes = [sysinfo.pretty_bytes(each) for each in (12, 3 * 1024, 5 * 1024**3)]\n"
    )
    assert names["found"]
    after, before = names["original"].z, names["before"]
    assert after.mean().item() == pytest.approx(before.mean().item())
    share = (after / before).mean(dim=-1)[0]
    assert share[1] / share[0] == pytest.approx(1.3)
    assert names["sd_emphasis"].get_current_option("odd").name == "Original"
    assert [each.name for each in names["sd_emphasis"].options] == ["None", "Ignore", "Original", "No norm"]
    assert names["sizes"] == ["12B", "3KB", "5GB"]
    with pytest.raises(NotOffered, match="text encoders itself"):
        names["xlmr_m18"].BertSeriesConfig()


def test_who_asked_is_noted(extension):
    code = "import modules.deepbooru_model as m\ndef go():\n    m.DeepDanbooruModel()"
    names = extension(code)
    with pytest.raises(NotOffered):
        names["go"]()
    assert extension.record.missing == {"modules.deepbooru_model.DeepDanbooruModel"}


def test_a_name_that_a1111_does_not_have_is_missing_so_that_probes_are_told_the_truth(extension):
    names = extension(
        "from modules import sd_models\nfound = hasattr(sd_models, 'forge_model_reload')\n"
        "try:\n    from modules.sd_models import FakeInitialModel\nexcept ImportError:\n    other = True"
    )
    assert names["found"] is False
    assert names["other"] is True
    assert extension.record.missing == {
        "modules.sd_models.forge_model_reload",
        "modules.sd_models.FakeInitialModel",
    }


def test_classes_of_the_original_code_are_derived_from_and_asked_for(extension):
    names = extension(
        "from ldm.modules.attention import CrossAttention, SpatialTransformer\n"
        "from sgm.modules.diffusionmodules.openaimodel import UNetModel\n"
        "class Mine(CrossAttention): pass\nis_one = isinstance(3, UNetModel)"
    )
    assert names["is_one"] is False
    with pytest.raises(NotOffered):
        names["Mine"]()
