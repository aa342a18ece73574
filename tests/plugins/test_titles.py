"""Names that a community script and one of the program's own both have."""

from hypothesis import given
from hypothesis import strategies as st

from webui.plugins.titles import plain_title, title_beside


@given(st.from_regex(r"[A-Za-z][A-Za-z /()0-9.]{0,20}[a-z0-9]", fullmatch=True))
def test_what_it_is_called_beside_another_leads_back_to_it(title):
    assert plain_title(title_beside(title, {title.lower()})) == title.lower()
    assert title_beside(title, ()) == title


def test_a_version_in_the_others_title_makes_no_other_name_of_it():
    assert title_beside("Dynamic Prompts", {"dynamic prompts v2.17.1"}) == "Dynamic Prompts (integrated)"
    assert title_beside("Dynamic", {"dynamic prompts v2.17.1"}) == "Dynamic"
