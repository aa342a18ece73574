"""docs/models.md says what the tables in the code say."""

from pathlib import Path

import pytest

from tests.library.test_identify import REAL, real_header
from webui.core.model_file import AdapterSort, Family, KeyStyle, ModelKind
from webui.library.recognise.identify import identify
from webui.library.recognise.kinds import FACTS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = frozenset(PAGE.splitlines())


def row_of_kind(kind: ModelKind) -> str:
    facts = FACTS[kind]
    # Angle brackets alone would be taken for HTML.
    purpose = facts.purpose.replace("<", "`<").replace(">", ">`")
    folders = ", ".join(f"`{name}`" for name in facts.folders)
    return f"| {facts.noun} | {purpose} | {folders} | {'not yet' if facts.not_yet else 'yes'} |"


def row_of_file(name: str) -> str:
    found = identify(real_header(name))
    more = ", ".join(part for part in (found.sort, found.key_style, found.architecture) if part)
    can_run = "yes" if found.can_run else "not yet"
    return f"| {REAL[name]['note']} | {FACTS[found.kind].noun} | {found.family.value} | {more} | {can_run} |"


@pytest.mark.parametrize("kind", [kind for kind in ModelKind if kind is not ModelKind.UNKNOWN])
def test_every_kind_stands_on_the_page_with_its_folders_and_whether_it_is_used(kind: ModelKind) -> None:
    assert row_of_kind(kind) in ROWS


@pytest.mark.parametrize("name", REAL)
def test_every_real_file_stands_on_the_page_as_it_is_recognised(name: str) -> None:
    assert row_of_file(name) in ROWS


def test_every_family_sort_and_key_style_stands_on_the_page() -> None:
    named = {family.value for family in Family if family not in {Family.OTHER, Family.UNKNOWN}}
    named |= {sort.value for sort in AdapterSort} | {style.value for style in KeyStyle}
    assert {name for name in named if name not in PAGE} == set()
