import pytest

from webui.core.infotext_versions import add_backward_compatibility, parse_version

IN_ORDER = [
    "v1.5.1",
    "1.6.0-RC-25-gabc",
    "v1.6.0",
    "v1.6.0-2-gabcdef",
    "v1.7.0",
    "v1.7.0-225",
    "v1.8.0-RC",
    "v1.10.1",
]


def test_versions_rise():
    versions = [parse_version(text) for text in IN_ORDER]
    assert None not in versions
    assert versions == sorted(versions)
    assert len(set(versions)) == len(IN_ORDER)


def test_zeros_at_the_end_mean_nothing():
    assert parse_version("1.6") == parse_version("v1.6.0")


@pytest.mark.parametrize("text", [None, "", "f2.0.1v1.10.1-previous-665-gae278f79", "neo", "v1.x"])
def test_versions_of_other_programs_are_none(text):
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("fields", "implied"),
    [
        (
            {"Version": "v1.5.2", "Prompt": "[a:b:3]"},
            {"Old prompt editing timelines", "Downcast alphas_cumprod"},
        ),
        ({"Version": "v1.5.2", "Sampler": "PLMS"}, {"Pad conds v0", "Downcast alphas_cumprod"}),
        ({"Version": "v1.7.0-225", "Prompt": "[a]"}, set()),
        (
            {"Version": "v1.7.0", "Refiner": "x"},
            {"Refiner switch by sampling steps", "Downcast alphas_cumprod"},
        ),
        ({"Version": "v1.10.1", "Prompt": "[a]", "Sampler": "DDIM", "Refiner": "x"}, set()),
        ({"Prompt": "[a]", "Sampler": "DDIM", "Refiner": "x"}, set()),
    ],
)
def test_an_old_version_implies_its_ways(fields, implied):
    given = set(fields)
    add_backward_compatibility(fields)
    assert set(fields) - given == implied
