"""The editor of styles, and styles beside the prompts, through a browser."""

import pytest
from playwright.sync_api import expect

from tests.ui import browser as steps

pytestmark = pytest.mark.timeout(400)
PROMPT, NEGATIVE = "#txt2img_prompt textarea", "#txt2img_neg_prompt textarea"
CHIPS = "#txt2img_styles .token"
DIALOG = ".styles-dialog"
TABLE = 'name,prompt,negative_prompt,notes\nink,"ink drawing, {prompt}",photo,mine\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("styles")
    (home / "styles.csv").write_text(TABLE, encoding="utf-8")
    return home


def choose(page, name):
    page.fill("#txt2img_styles input", name)
    page.press("#txt2img_styles input", "Enter")
    expect(page.locator(CHIPS).last).to_contain_text(name)
    page.keyboard.press("Escape")


def chips(page, *names):
    expect(page.locator(f"{CHIPS} > span")).to_have_text(list(names))


def said(page, sentence):
    expect(page.locator(f"{DIALOG} .details-message")).to_contain_text(sentence)


def fill(page, label, text):
    page.get_by_label(label, exact=True).and_(page.locator(f"{DIALOG} :is(input, textarea)")).fill(text)


def test_styles_are_made_renamed_applied_found_again_and_deleted_with_undo(fresh_page, home):
    page, file = fresh_page, home / "styles.csv"
    page.fill(PROMPT, "oil painting")
    page.click("#txt2img_styles_edit_button")
    page.click(f"{DIALOG} button:text-is('New style')")
    page.click(f"{DIALOG} >> text=Copy from the prompt")
    fill(page, "Name", "oil")
    page.press(f"{DIALOG} input[type=text]", "Control+Enter")
    said(page, "“oil” was saved.")
    assert file.read_text(encoding="utf-8-sig") == TABLE + "oil,oil painting,\n"
    page.click(f"{DIALOG} .details-buttons >> text=Close")

    page.fill(PROMPT, "a cat")
    choose(page, "oil")
    choose(page, "nosuch")
    expect(page.locator(f"{CHIPS}.unknown")).to_have_text("nosuch")
    page.click("#txt2img_styles_edit_button")
    fill(page, "Name", "oils")
    page.click(f"{DIALOG} .styles-list >> text=ink")
    said(page, "unsaved changes")
    page.click(f"{DIALOG} button.primary")
    said(page, "“oils” was saved.")
    chips(page, "oils", "nosuch")
    page.click(f"{DIALOG} .styles-list >> text=ink")
    page.click(f"{DIALOG} >> text=Apply to prompt")
    said(page, "“ink” was written into the prompt.")
    page.keyboard.press("Escape")
    expect(page.locator(PROMPT)).to_have_value("ink drawing, a cat")

    page.click("#txt2img_style_apply")
    expect(page.locator(PROMPT)).to_have_value("ink drawing, a cat, oil painting")
    chips(page, "nosuch")
    expect(page.locator("#txt2img_notice")).to_contain_text("There is no style “nosuch”")
    page.click("#txt2img_notice .notice-close")
    page.click("#txt2img_styles_edit_button")
    page.click(f"{DIALOG} >> text=Extract from prompt")
    said(page, "Taken out of the prompt and chosen:")
    expect(page.locator(PROMPT)).to_have_value("a cat")
    expect(page.locator(NEGATIVE)).to_have_value("")
    chips(page, "nosuch", "oils", "ink")

    page.click(f"{DIALOG} .styles-list >> text=ink")
    page.click(f"{DIALOG} .danger")
    said(page, "The style “ink” was deleted.")
    expect(page.locator(f"{CHIPS}.unknown")).to_have_count(2)
    page.click(f"{DIALOG} .details-message >> text=Undo")
    said(page, "“ink” is back.")
    expect(page.locator(f"{CHIPS}.unknown")).to_have_count(1)
    assert file.read_text(encoding="utf-8-sig").startswith(TABLE.replace("\r", ""))


def test_a_slow_server_changes_neither_what_is_asked_nor_what_is_typed(fresh_page, home):
    page, file = fresh_page, home / "styles.csv"
    file.write_text(TABLE, encoding="utf-8")
    choose(page, "ink")
    # Nothing can be typed, pressed or asked about before the styles are there.
    late = steps.Held(page, "**/v1/styles")
    page.click("#txt2img_styles_edit_button")
    for name in ("New style", "Extract from prompt", "Save", "Delete"):
        expect(page.locator(DIALOG).get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.locator(DIALOG).get_by_label("Name", exact=True)).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.click("#txt2img_styles_edit_button")
    late.let_go(2)
    expect(page.locator(DIALOG).get_by_label("Name", exact=True)).to_have_value("ink")
    # What is typed while a save is on its way stays, and is not saved yet.
    fill(page, "Name", "inks")
    late = steps.Held(page, "**/v1/styles")
    page.click(f"{DIALOG} button.primary")
    fill(page, "Negative prompt", "blurred")
    late.let_go()
    said(page, "“inks” was saved.")
    expect(page.locator(DIALOG).get_by_label("Negative prompt", exact=True)).to_have_value("blurred")
    page.keyboard.press("Escape")
    said(page, "unsaved changes")
    page.click(f"{DIALOG} button.primary")
    said(page, "“inks” was saved.")
    assert file.read_text(encoding="utf-8-sig") == TABLE.replace("ink,", "inks,").replace("photo", "blurred")


def test_changes_by_hand_are_seen_and_unknown_names_said_at_generate(fresh_page, home):
    page, file = fresh_page, home / "styles.csv"
    file.write_text(TABLE, encoding="utf-8")
    page.click("#txt2img_styles_edit_button")
    page.click(f"{DIALOG} .styles-list >> text=ink")
    file.write_text(TABLE.replace("photo", "blurry") + "by hand,x,,\n", encoding="utf-8")
    fill(page, "Prompt", "mine, {prompt}")
    page.click(f"{DIALOG} button.primary")
    said(page, "was changed in its file in the meantime")
    expect(page.locator(f"{DIALOG} .styles-list")).to_contain_text("by hand")
    assert "mine, {prompt}" not in file.read_text(encoding="utf-8")
    # The browser reports the refusal too.
    assert "409" in page.complaints.errors.pop()
    page.click(f"{DIALOG} button.primary")
    said(page, "“ink” was saved.")
    assert "mine, {prompt}" in file.read_text(encoding="utf-8")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)

    file.write_text(TABLE + "late,x,,\n", encoding="utf-8")
    page.click("#txt2img_styles input")
    expect(page.locator("#txt2img_styles .options")).to_contain_text("late")
    choose(page, "nosuch")
    steps.fill_form(page, "a cat", steps=2)
    page.click("#txt2img_generate")
    expect(
        page.locator("#txt2img_results, #txt2img_notice").filter(has_text="There is no style “nosuch”").first
    ).to_be_visible()
    steps.wait_until_idle(page)
