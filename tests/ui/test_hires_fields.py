"""The head of the hires accordion."""

from webui.ui.components.hires_fields import final_size_html
from webui.ui.generation_parts import PART_DEFAULTS

FIELDS = PART_DEFAULTS | {"hires": True, "width": 512, "height": 512}


def test_the_head_tells_both_sizes():
    assert final_size_html(FIELDS) == (
        '<span data-size="by-factor">from <span class="resolution">512x512</span> '
        'to <span class="resolution">1024x1024</span></span>'
    )


def test_the_head_says_nothing_while_the_pass_is_off():
    assert final_size_html(FIELDS | {"hires": False}) == ""


def test_the_head_knows_which_way_the_size_is_given():
    assert 'data-size="by-sides"' in final_size_html(FIELDS | {"hires_height": 640})
