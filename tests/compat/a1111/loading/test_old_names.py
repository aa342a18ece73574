"""Names and arguments that packages had in A1111's time: Pillow, torchvision, hub, transformers, numpy."""

import json
import sys

import huggingface_hub
import numpy as np
import pandas as pd
import pytest
import transformers
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.compat.a1111.loading.test_namespaces import load  # noqa: F401 - a fixture
from webui.compat.a1111.loading.old_packages import OldPackages
from webui.compat.a1111.loading.undoing import Undoing

USES = """
import PIL.Image
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torchvision.transforms.functional_tensor import rgb_to_grayscale
import torch

wide = Image.new("RGB", (40, 10), "white")
small = wide.resize((4, 2), Image.ANTIALIAS).size, wide.resize((4, 2), PIL.Image.LINEAR).size
font = ImageFont.load_default(20)
sizes = font.getsize("wide text"), ImageDraw.Draw(wide).textsize("wide text", font)
gray = rgb_to_grayscale(torch.ones(3, 2, 2)).shape
blurred = [wide.filter(kind(np.float64(2.5))) for kind in (ImageFilter.GaussianBlur, ImageFilter.BoxBlur)]
"""
EXTRACTORS = """
import transformers
from transformers import AutoFeatureExtractor, CLIPFeatureExtractor, CLIPTokenizer

def read(folder):
    return AutoFeatureExtractor.from_pretrained(folder)
"""
HUB = """
import huggingface_hub
from huggingface_hub import HfFolder, snapshot_download, hf_hub_url

def get():
    return snapshot_download("a/b", local_dir="here", local_dir_use_symlinks=False, use_auth_token="t")
"""


def test_pillow_and_torchvision_have_their_old_names_until_the_end(load):  # noqa: F811 - the fixture
    uses = load(a__scripts__uses=USES)["a/uses"]
    assert uses.small == ((4, 2), (4, 2))
    assert uses.sizes[0] == uses.sizes[1]
    assert 60 < uses.sizes[0][0] < 120
    assert 14 < uses.sizes[0][1] < 30
    assert tuple(uses.gray) == (1, 2, 2)
    assert [each.size for each in uses.blurred] == [(40, 10)] * 2


def test_old_names_are_taken_away_again():
    assert not hasattr(Image, "ANTIALIAS")
    undoing = Undoing.begin([])
    assert Image.ANTIALIAS == Image.Resampling.LANCZOS
    Image.ANTIALIAS = 3  # An extension's own shim.
    undoing.undo()
    undoing.undo()
    assert not hasattr(Image, "ANTIALIAS")
    assert not hasattr(ImageFont.FreeTypeFont, "getsize")
    assert not hasattr(ImageDraw.ImageDraw, "textsize")
    assert not hasattr(ImageFilter.GaussianBlur, "radius")
    assert "torchvision.transforms.functional_tensor" not in sys.modules


def test_what_prepares_pictures_is_found_under_its_old_name(load, tmp_path):  # noqa: F811 - the fixture
    uses = load(a__scripts__uses=EXTRACTORS)["a/uses"]
    assert uses.CLIPFeatureExtractor is transformers.CLIPImageProcessor
    assert uses.CLIPTokenizer is transformers.CLIPTokenizer
    assert uses.transformers.AutoFeatureExtractor is not transformers.AutoFeatureExtractor
    for name in ("image_processor_type", "feature_extractor_type"):
        kind = "CLIPImageProcessor" if name.startswith("image") else "CLIPFeatureExtractor"
        written = {name: kind, "size": 32}
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(written))
        assert uses.read(tmp_path).size["shortest_edge"] == 32


def test_the_hub_takes_arguments_that_went(load, monkeypatch, tmp_path):  # noqa: F811 - the fixture
    asked = []
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **b: asked.append((a, b)))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    uses = load(a__scripts__hub=HUB)["a/hub"]
    uses.get()
    assert asked == [(("a/b",), {"local_dir": "here", "token": "t"})]
    uses.HfFolder.save_token("mine")
    assert uses.huggingface_hub.HfFolder.get_token() == "mine"
    uses.HfFolder.delete_token()
    uses.HfFolder.delete_token()
    assert uses.HfFolder.get_token() is None
    assert uses.hf_hub_url is huggingface_hub.hf_hub_url
    assert not hasattr(huggingface_hub, "HfFolder")


@pytest.mark.parametrize(
    ("source", "is_old"),
    [
        ("from huggingface_hub import HfFolder", True),
        ("import huggingface_hub\nhuggingface_hub.hf_hub_download('a', 'b', resume_download=True)", True),
        ("import huggingface_hub\nhuggingface_hub.hf_hub_download('a', 'b')", False),
        ("requests.get('a', proxies={})", False),
    ],
)
def test_which_files_are_given_the_old_hub(source, is_old):
    assert OldPackages.of(source).hub == is_old


def test_packages_of_numpy_1s_time_have_its_names(load, tmp_path, monkeypatch):  # noqa: F811 - the fixture
    """librosa 0.8, which some extensions ask for, uses np.complex while it is imported."""
    place = tmp_path / "site-packages"
    (place / "old_sound").mkdir(parents=True)
    (place / "old_sound" / "__init__.py").write_text(
        "import numpy as np\nfrom . import part\nKIND = np.complex\n"
    )
    (place / "old_sound" / "part.py").write_text("import numpy\nNONE = numpy.NaN\n")
    monkeypatch.syspath_prepend(str(place))
    uses = load(a__scripts__uses="import old_sound\nimport numpy as np\n")["a/uses"]
    assert uses.old_sound.KIND is complex
    assert np.isnan(uses.old_sound.part.NONE)
    assert uses.np is np
    for name in ("old_sound", "old_sound.part"):
        sys.modules.pop(name)


def test_series_of_pandas_take_what_does_not_fit(load):  # noqa: F811 - the fixture
    """As key frames of an animation are put into a series of no numbers yet."""
    source = (
        "import numpy as np\nimport pandas as pd\n"
        "frames = pd.Series([np.nan for _ in range(4)])\n"
        "frames[0], frames[3] = '1', '4'\n"
        "words = pd.Series(['a', 'b'], dtype=object).interpolate()\n"
        "known = isinstance(pd.DataFrame({'a': [1]})['a'], pd.Series), isinstance(frames, pd.Series)\n"
    )
    uses = load(a__scripts__uses=source)["a/uses"]
    assert list(uses.frames.interpolate(limit_direction="both")) == [1, 2, 3, 4]
    assert list(uses.frames.astype(float).interpolate()) == [1, 2, 3, 4]
    assert uses.known == (True, True)
    assert list(uses.words) == ["a", "b"]
    numbers = pd.Series([1.0])
    with pytest.raises(TypeError):
        numbers[0] = "1"
