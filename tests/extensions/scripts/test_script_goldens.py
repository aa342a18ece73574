"""The scripts' pictures, sheets and infotexts are A1111's."""

import numpy as np
import pytest

from extensions.scripts import plugin
from tests.golden_cases import GoldenCase, all_golden_cases, pixels, without_version
from tests.pipelines.runs import pictures
from webui.core.request import make_request
from webui.pipelines.generate.generate import generate

CASES = [case for case in all_golden_cases() if "script_name" in case.payload]
# FreeType, which draws the letters, moves a dot or an edge by a pixel from version to version.
LEGEND_MEAN = 0.3


def requested(case: GoldenCase):
    payload = case.payload
    script = next(each for each in plugin.register_scripts() if each.title.lower() == payload["script_name"])
    names = ("prompt", "negative_prompt", "seed", "steps", "width", "height")
    fields = {name: payload[name] for name in names}
    request = make_request(
        **fields,
        cfg_scale=float(payload["cfg_scale"]),
        sampler=payload["sampler_name"],
        model="tiny-sd15",
        options={"randn_source": "GPU"},
        script=script.title,
    )
    return script.part.from_args(payload["script_args"]).put_into(request)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pictures_sheets_and_infotexts_are_those_of_a1111(case, context):
    made = sorted(pictures(generate(requested(case), context)), key=lambda ready: ready.index)
    assert [without_version(ready.infotext) for ready in made] == case.infotexts
    returned = [ready for ready in made if not ready.is_passing]
    assert len(returned) == len(case.pictures)
    for ready, given in zip(returned, case.pictures, strict=True):
        difference = np.abs(pixels(ready.image) - given)
        assert difference.mean() <= (LEGEND_MEAN if ready.index < 0 else 0.02)
        # Of a sheet, the pictures alone: they begin right of the legend and below it.
        cells = difference[-192:, -192:] if ready.index < 0 else difference
        assert cells.max() <= 2
