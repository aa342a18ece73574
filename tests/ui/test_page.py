"""The whole program through a browser: Debian's Chromium on a server of its own, with a tiny checkpoint."""

import io
import json
import re
from pathlib import Path
from urllib.parse import unquote, urljoin

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui import browser as steps
from tests.ui.browser import PATIENCE_S, SCREENSHOTS, fill_form, opened, reloaded, share_done, wait_until_idle
from webui.store.reading import read_infotext

pytestmark = pytest.mark.timeout(400)
# Steps and batches enough to still run when the test wants to do something about it.
LONG = {"steps": 150, "side": 64, "batches": 60}
# What the page knows of the pictures it shows.
INFO = "document.querySelector('#generation_info_txt2img textarea').value"


@pytest.fixture
def page(fresh_page):
    """A fresh page; at the end nothing may run any more."""
    yield fresh_page
    stop_everything(fresh_page)


@pytest.fixture(scope="module")
def idle_page(chromium, address):
    """One page for all tests that generate nothing."""
    page = opened(chromium, address)
    yield page
    page.context.close()


def stop_everything(page: Page) -> None:
    """Leave the queue empty for the next test."""
    # Clicked by script, because a button may vanish with its job while a hand moves to it.
    for button in ("txt2img_clear_queue", "txt2img_cancel"):
        page.evaluate("id => document.getElementById(id).click()", button)
    wait_until_idle(page)


def generate(page: Page, prompt: str, **form) -> None:
    """Fill in the form, press Generate and wait for the picture."""
    fill_form(page, prompt, **form)
    before = page.evaluate(INFO)
    page.click("#txt2img_generate")
    made = f"([before, prompt]) => {INFO} !== before && {INFO}.includes(prompt)"
    page.wait_for_function(made, arg=[before, prompt])
    wait_until_idle(page)
    expect(page.locator("#html_info_txt2img")).to_contain_text(prompt)


def choose_starter(page: Page) -> None:
    """The bundled checkpoint, where it is there already."""
    page.click("#setting_sd_model_checkpoint input")
    starter = page.locator("[role=option]", has_text="starter")
    if starter.count():
        starter.first.click()
    else:
        page.keyboard.press("Escape")


def picture_path(page: Page) -> Path:
    """The file of the picture that the gallery shows."""
    source = page.get_attribute("#txt2img_gallery .preview img", "src") or ""
    return Path(unquote(source.split("file=", 1)[1]))


def test_a_prompt_becomes_a_saved_picture_while_the_bar_moves(page, home):
    fill_form(page, "a red fox", steps=150)
    page.click("#txt2img_generate")
    seen = set()
    page.wait_for_selector("#txt2img_interrupt", state="visible")
    steps.wait_for_share(page, 0)
    while (share := share_done(page)) >= 0:
        seen.add(share)
        page.wait_for_timeout(50)
    assert len(seen) > 2, seen
    expect(page.locator("#html_info_txt2img")).to_contain_text("Steps: 150, Sampler: DPM++ 2M")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Time taken")
    path = picture_path(page)
    assert path.is_relative_to(home)
    source = page.get_attribute("#txt2img_gallery .preview img", "src") or ""
    # The very file with its parameters, not a copy made for the page.
    assert httpx.get(urljoin(page.url, source), timeout=PATIENCE_S).content == path.read_bytes()
    infotext, _ = read_infotext(path)
    assert infotext is not None
    assert infotext.startswith("a red fox\nSteps: 150")


def test_interrupt_ends_the_job_and_says_so(page):
    fill_form(page, "a long walk", **LONG)
    page.click("#txt2img_generate")
    steps.wait_for_share(page, 0)
    page.click("#txt2img_interrupt")
    wait_until_idle(page)
    expect(page.locator("#html_log_txt2img")).to_contain_text("Interrupted")


def test_a_reload_in_mid_run_finds_the_job_and_it_goes_on(page):
    fill_form(page, "a long river", **LONG)
    page.click("#txt2img_generate")
    steps.wait_for_share(page, 0)
    before = share_done(page)
    reloaded(page)
    steps.wait_for_share(page, before)
    at_return = share_done(page)
    steps.wait_for_share(page, at_return)
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a long river")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("150")


def test_another_browser_finds_the_job_and_a_form_of_its_own(page, chromium, address):
    fill_form(page, "a long road", **LONG)
    page.click("#txt2img_generate")
    steps.wait_for_share(page, 0)
    other = opened(chromium, address)
    steps.wait_for_share(other, 0)
    # The prompt and the seed are those of the browser that typed them.
    expect(other.locator("#txt2img_prompt textarea")).to_have_value("")
    expect(other.locator("#txt2img_seed input")).to_have_value("-1")
    other.context.close()
    share = share_done(page)
    steps.wait_for_share(page, share)


def test_generate_while_a_job_runs_queues_another(page):
    fill_form(page, "first of all", **LONG)
    page.click("#txt2img_generate")
    steps.wait_for_share(page, 0)
    page.click("#txt2img_generate")
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_queue")).to_contain_text("2 waiting")
    page.click("#txt2img_clear_queue")
    expect(page.locator("#txt2img_queue")).not_to_be_visible()
    assert share_done(page) > 0


def test_the_last_picture_is_there_after_a_reload(page):
    generate(page, "a small house", steps=4)
    path = picture_path(page)
    reloaded(page)
    expect(page.locator("#html_info_txt2img")).to_contain_text("a small house")
    assert picture_path(page) == path


def test_a_picture_tells_png_info_how_it_was_made_and_that_goes_into_the_form(page):
    generate(page, "a blue cat, (moon:1.2)", steps=5, side=72, seed="1234567890123456789")
    path = picture_path(page)
    fill_form(page, "something else", steps=20, side=64)
    page.click("#tabs > .tab-nav > button:has-text('PNG Info')")
    page.set_input_files("#pnginfo_image input[type=file]", path)
    expect(page.locator("#pnginfo_html")).to_contain_text("Seed: 1234567890123456789")
    page.click("#txt2img_tab")
    expect(page.locator("#txt2img_prompt textarea")).to_be_visible()
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a blue cat, (moon:1.2)")
    expect(page.locator("#txt2img_seed input")).to_have_value("1234567890123456789")
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("5")
    expect(page.locator("#txt2img_width input[type=number]")).to_have_value("72")


def test_a_page_named_png_ends_in_a_sentence(page, tmp_path):
    wrong = tmp_path / "login.png"
    wrong.write_text("<html>Please log in</html>")
    page.evaluate("webui.showTab('pnginfo')")
    page.set_input_files("#pnginfo_image input[type=file]", wrong)
    expect(page.locator("#pnginfo_html .notice-box")).to_be_visible()
    assert "Traceback" not in page.inner_text("#pnginfo_html")
    expect(page.locator("#txt2img_tab")).to_be_disabled()


def test_the_paste_arrow_reads_the_prompt_and_shows_what_differs_as_chips(page):
    text = "a hill\nNegative prompt: fog\nSteps: 7, Sampler: Euler a, CFG scale: 4.5, Seed: 9, Size: 72x64"
    page.fill("#txt2img_prompt textarea", f"{text}, Clip skip: 2, RNG: NV")
    page.click("#paste")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a hill")
    expect(page.locator("#txt2img_neg_prompt textarea")).to_have_value("fog")
    expect(page.locator("#txt2img_sampling input")).to_have_value("Euler a")
    expect(page.locator("#txt2img_cfg_scale input[type=number]")).to_have_value("4.5")
    expect(page.locator("#txt2img_override_settings")).to_contain_text("Clip skip: 2")
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img")).to_contain_text("Clip skip: 2")


def test_the_paste_arrow_reads_what_stands_in_the_field_at_the_click(page):
    # Gradio is told of nothing: what a script writes just before it clicks must count all the same.
    page.evaluate(
        """text => {
          document.querySelector('#txt2img_prompt textarea').value = text;
          document.querySelector('#paste').click();
        }""",
        "a heron\nSteps: 33, Sampler: Euler a, CFG scale: 7, Seed: 12, Size: 64x64",
    )
    expect(page.locator("#txt2img_steps input[type=number]")).to_have_value("33")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a heron")


def test_the_paste_arrow_on_an_empty_prompt_takes_the_last_picture(page):
    generate(page, "a warm lamp", steps=3)
    page.fill("#txt2img_prompt textarea", "")
    page.click("#paste")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("a warm lamp")
    expect(page.locator("#txt2img_seed input")).not_to_have_value("-1")


def test_swap_and_dice_change_the_form(idle_page):
    fill_form(idle_page, "a fox", side=64)
    steps.set_number(idle_page, "txt2img_width", 128)
    idle_page.click("#txt2img_res_switch_btn")
    expect(idle_page.locator("#txt2img_height input[type=number]")).to_have_value("128")
    idle_page.fill("#txt2img_seed input", "5")
    idle_page.click("#txt2img_random_seed")
    expect(idle_page.locator("#txt2img_seed input")).to_have_value("-1")


def test_the_recycling_button_takes_the_seed_of_the_selected_picture(page):
    generate(page, "two of them", steps=3, seed="40", batches=2)
    thumbnails = page.locator("#txt2img_gallery .thumbnails .thumbnail-item")
    expect(thumbnails).to_have_count(3)
    thumbnails.nth(2).click()
    expect(page.locator("#html_info_txt2img")).to_contain_text("Seed: 41")
    page.click("#txt2img_reuse_seed")
    expect(page.locator("#txt2img_seed input")).to_have_value("41")


def test_save_puts_the_picture_into_the_folder_for_chosen_ones(page, home):
    generate(page, "a keeper", steps=3)
    page.click("#save_txt2img")
    expect(page.locator("#html_log_txt2img")).to_contain_text("Saved: ")
    name = page.inner_text("#html_log_txt2img").removeprefix("Saved: ").strip()
    saved = next((home / "log" / "images").rglob(name))
    infotext, _ = read_infotext(saved)
    assert infotext is not None
    assert infotext.startswith("a keeper\n")


def test_the_counter_counts_while_typing_and_reddens_at_an_open_bracket(idle_page):
    idle_page.fill("#txt2img_prompt textarea", "")
    idle_page.type("#txt2img_prompt textarea", "a red fox")
    expect(idle_page.locator("#txt2img_token_counter")).to_have_text(re.compile(r"^\s*3/75\s*$"))
    idle_page.type("#txt2img_prompt textarea", " (in snow")
    expect(idle_page.locator("#txt2img_token_counter .error")).to_have_text("bracket not closed · 5/75")


def test_every_tab_is_in_the_page_before_it_is_opened(idle_page):
    names = idle_page.locator("#tabs > .tab-nav > button").all_inner_texts()
    assert names[:2] == ["txt2img", "img2img"]
    assert {"PNG Info", "Settings"} <= set(names)
    assert idle_page.locator("#tabs > .tab-nav > button.selected").inner_text() == "txt2img"
    for selector in (
        "#settings_json textarea",
        "#pnginfo_image",
        "#txt2img_generate_box",
        "#settings_submit",
    ):
        assert idle_page.locator(selector).count() == 1, selector
    assert json.loads(idle_page.input_value("#settings_json textarea"))["samples_format"] == "png"
    assert idle_page.evaluate("document.querySelector('#tab_settings').style.display") == "none"


def test_a_setting_is_found_changed_kept_and_reset(page, address):
    page.evaluate("webui.showTab('settings')")
    page.fill("#settings_search", "layers before the end")
    expect(page.locator("#setting_CLIP_stop_at_last_layers")).to_be_visible()
    expect(page.locator("#setting_jpeg_quality")).not_to_be_visible()
    steps.set_number(page, "setting_CLIP_stop_at_last_layers", 2)
    page.click("#settings_submit")
    expect(page.locator("#settings_result")).to_contain_text("1 setting changed: Clip skip.")
    reloaded(page)
    expect(page.locator("#setting_CLIP_stop_at_last_layers input[type=number]")).to_have_value("2")
    page.evaluate("webui.showTab('settings')")
    row, clip_skip = page.locator("#setting_CLIP_stop_at_last_layers"), "#setting_CLIP_stop_at_last_layers"
    expect(row).to_have_class(re.compile(r"\bchanged\b"))
    expect(row).not_to_have_class(re.compile(r"\bunapplied\b"))
    # The arrow takes effect at once, and can be taken back; the same button twice.
    for undoes in (True, False):
        page.click(f"{clip_skip} button[title='Back to the default: Clip skip']")
        expect(page.locator("#settings_result")).to_contain_text("Clip skip: back to the default.")
        expect(row.locator("input[type=number]")).to_have_value("1")
        expect(row).not_to_have_class(re.compile(r"\bchanged\b"))
        expect(row.locator("button.tool")).to_be_hidden()
        if undoes:
            page.click("#settings_result button")
            expect(page.locator("#settings_result")).to_contain_text("Clip skip: as before.")
            expect(row).to_have_class(re.compile(r"\bchanged\b"))
    assert kept_settings(address)["CLIP_stop_at_last_layers"] == 1


def kept_settings(address):
    return httpx.get(f"{address}sdapi/v1/options", timeout=PATIENCE_S).raise_for_status().json()


def stay_in_the_window(page):
    """Try to load the page again, and answer the browser's question with "Cancel"."""
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"


def test_what_is_not_applied_is_counted_and_asked_about(page, address):
    left, row = page.locator("#settings_unapplied"), page.locator("#setting_jpeg_quality")
    page.evaluate("webui.showTab('settings')")
    steps.set_number(page, "setting_jpeg_quality", 90)
    expect(left).to_have_text("1 change not applied")
    expect(row).to_have_class(re.compile(r"\bunapplied\b"))
    page.click("#setting_samples_save input")
    expect(left).to_have_text("2 changes not applied")
    page.click("#tab_txt2img-button")
    dialog = page.get_by_role("dialog", name="2 changes are not applied")
    expect(dialog).to_contain_text("Save every picture, Quality")
    dialog.get_by_text("Stay").click()
    expect(page.locator("#tab_settings")).to_be_visible()
    expect(left).to_have_text("2 changes not applied")
    page.click("#setting_samples_save input")
    expect(left).to_have_text("1 change not applied")
    page.evaluate("webui.showTab('txt2img')")
    page.get_by_role("dialog", name="1 change is not applied").get_by_text("Discard").click()
    expect(page.locator("#tab_txt2img")).to_be_visible()
    expect(row.locator("input[type=number]")).to_have_value("80")
    page.evaluate("webui.showTab('settings')")
    steps.set_number(page, "setting_jpeg_quality", 70)
    expect(left).to_have_text("1 change not applied")
    # Who stays at the browser's own question can still apply: Gradio did not hang up.
    stay_in_the_window(page)
    page.click("#tab_txt2img-button")
    page.get_by_role("dialog").get_by_text("Apply", exact=True).click()
    expect(page.locator("#tab_txt2img")).to_be_visible()
    assert kept_settings(address)["jpeg_quality"] == 70
    # What is chosen in another tab is no change of this one.
    page.evaluate("webui.showTab('img2img')")
    page.click("#img2img_colours_and_noise button")
    page.locator("#img2img_img2img_color_correction input").click()
    expect(page.locator("#setting_img2img_color_correction input")).to_be_checked()
    expect(left).to_have_text("")
    page.locator("#img2img_img2img_color_correction input").click()


def test_nothing_in_the_search_is_blue_on_dark(chromium, address):
    page = opened(chromium, address, dark=True)
    page.evaluate("webui.showTab('settings')")
    search = page.locator("#settings_search")
    # Chromium shows the cross while one writes.
    search.fill("quality")
    expect(page.locator("#setting_jpeg_quality")).to_be_visible()
    picture = Image.open(io.BytesIO(search.screenshot())).convert("RGB")
    width, height = picture.size
    cross = picture.crop((width - 40, 4, width - 4, height - 4))
    colours = [colour for _, colour in cross.getcolors(1 << 20) or []]
    # There is a cross, in a grey that is seen on the field.
    assert max(map(max, colours)) - min(map(max, colours)) > 60
    assert max(max(colour) - min(colour) for colour in colours) < 40
    page.context.close()


def test_what_is_written_while_the_page_is_built_is_in_the_prompt(chromium, address):
    page = opened(chromium, address, width=390, height=844)
    page.fill("#txt2img_prompt textarea", "of the last time")
    page.wait_for_function("localStorage['atelier.txt2img']?.includes('of the last time')")
    early, prompt = page.locator("#early_prompt"), page.locator("#txt2img_prompt textarea")
    # Gradio's scripts do not come yet; whoever loads the page again keeps what was written.
    late = steps.Held(page, "**/assets/Blocks-*.js")
    page.reload(wait_until="commit")
    expect(early).to_have_value("of the last time")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    early.fill("a heron, of the last time")
    page.reload(wait_until="commit")
    expect(early).to_have_value("a heron, of the last time")
    early.evaluate("field => field.setSelectionRange(7, 7)")
    early.focus()
    late.let_go()
    expect(early).to_have_count(0)
    expect(prompt).to_have_value("a heron, of the last time")
    expect(prompt).to_be_focused()
    page.keyboard.type("s")
    expect(prompt).to_have_value("a herons, of the last time")
    # Gradio knows it too: it is what is kept, and generated with.
    page.wait_for_function("localStorage['atelier.txt2img']?.includes('a herons, of the last time')")
    steps.ready(page)
    expect(prompt).to_have_value("a herons, of the last time")
    page.reload()
    steps.ready(page)
    expect(prompt).to_have_value("a herons, of the last time")
    page.context.close()


def test_sections_of_settings_fold_on_a_phone(chromium, address):
    page = opened(chromium, address, width=390, height=844)
    page.evaluate("webui.showTab('settings')")
    expect(page.locator("#setting_sd_lora")).to_be_visible()
    expect(page.locator("#setting_samples_save")).to_be_hidden()
    saving = page.locator("#settings_saving h2 button")
    expect(saving).to_have_attribute("aria-expanded", "false")
    saving.press("Enter")
    expect(saving).to_have_attribute("aria-expanded", "true")
    expect(saving).to_be_focused()
    expect(page.locator("#setting_samples_save")).to_be_visible()
    expect(page.locator("#setting_sd_lora")).to_be_hidden()
    page.fill("#settings_search", "n steps")
    expect(page.locator("#setting_show_progress_every_n_steps")).to_be_visible()
    page.fill("#settings_search", "")
    expect(page.locator("#setting_show_progress_every_n_steps")).to_be_hidden()
    page.context.close()


def test_the_chosen_checkpoint_is_kept_at_once_and_used(page):
    box = page.locator("#setting_sd_model_checkpoint input")
    box.click()
    page.locator("[role=option]", has_text="tiny-sd15").first.click()
    expect(box).to_have_value(re.compile("tiny-sd15"))
    generate(page, "another model", steps=2)
    expect(page.locator("#html_info_txt2img")).to_contain_text("Model: tiny-sd15")
    reloaded(page)
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(re.compile("tiny-sd15"))


def test_keys_generate_and_interrupt(page):
    fill_form(page, "by keys", **LONG)
    page.locator("#txt2img_prompt textarea").press("Control+Enter")
    steps.wait_for_share(page, 0)
    page.keyboard.press("Escape")
    wait_until_idle(page)
    expect(page.locator("#html_log_txt2img")).to_contain_text("Interrupted")


def test_what_describes_the_page_is_not_watched_for_changes(idle_page):
    # Svelte watches plain objects and lists alone, and what lies in others not at all.
    plain = """() => {
      const { layout, components, dependencies } = window.gradio_config;
      const isPlain = (each) => Object.getPrototypeOf(each) === Object.prototype;
      return [layout, ...components, ...dependencies].map(isPlain);
    }"""
    found = idle_page.evaluate(plain)
    assert len(found) > 500
    assert not any(found)


# The text before with | at both ends of the selection, the key, the text after.
WEIGHTS = [
    ("a |red| fox", "ArrowUp", "a (red:1.1) fox"),
    ("a re||d fox", "ArrowUp", "a (red:1.1) fox"),
    ("a (re||d:1.1) fox", "ArrowUp", "a (red:1.2) fox"),
    ("a (re||d:1.1) fox", "ArrowDown", "a red fox"),
    ("a |red |fox", "ArrowDown", "a (red:0.9) fox"),
    ("a (b (c||d:1.3):1.2)", "ArrowDown", "a (b (cd:1.2):1.2)"),
    ("<lora:gl||ow:0.8>", "ArrowUp", "<lora:glow:0.85>"),
    ("(red:1.9||)", "ArrowUp", "(red:2.0)"),
    ("a  ||  b", "ArrowUp", "a    b"),
]


@pytest.mark.parametrize(("before", "key", "after"), WEIGHTS)
def test_control_up_and_down_change_weights(idle_page, before, key, after):
    start, end = before.index("|"), before.rindex("|") - 1
    box = idle_page.locator("#txt2img_prompt textarea")
    box.fill(before.replace("|", ""))
    box.evaluate("(box, [start, end]) => box.setSelectionRange(start, end)", [start, end])
    box.press(f"Control+{key}")
    expect(box).to_have_value(after)


def test_a_click_shows_the_picture_over_the_page_and_keys_go_through(page):
    generate(page, "three of them", steps=2, batches=2)
    page.click("#txt2img_gallery .preview .media-button")
    expect(page.locator("#lightboxModal")).to_be_visible()
    expect(page.locator("#lightboxModal .modalPlace")).to_have_text("1 / 3")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#lightboxModal .modalPlace")).to_have_text("2 / 3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#lightboxModal .modalPlace")).to_have_text("3 / 3")
    page.keyboard.press("Escape")
    expect(page.locator("#lightboxModal")).not_to_be_visible()


def test_generate_forever_goes_on_until_it_is_told_to_end(page):
    fill_form(page, "again and again", steps=2)
    page.click("#txt2img_generate", button="right")
    page.click(".context-menu button:has-text('Generate forever')")
    page.wait_for_function(f"{INFO}.includes('again and again')")
    first = page.evaluate(INFO)
    page.wait_for_function(f"first => {INFO} !== first", arg=first)
    page.click("#txt2img_generate", button="right")
    page.click(".context-menu button:has-text('Cancel')")
    expect(page.locator("#txt2img_generate")).not_to_have_class(re.compile("forever"))


def test_generate_forever_and_the_title_go_on_in_a_page_in_the_background(page):
    fill_form(page, "again and again", steps=40, side=256)
    # What browsers do there: a page that nobody sees is not drawn.
    page.evaluate("window.requestAnimationFrame = () => 0")
    page.evaluate("document.querySelector('#txt2img_generate').dispatchEvent(new MouseEvent('contextmenu'))")
    page.evaluate("document.querySelector('.context-menu button').click()")
    page.wait_for_function("document.title.startsWith('[')")
    ended = "document.querySelector('#txt2img_progress .job-ended')?.dataset.job"
    first = page.wait_for_function(ended).json_value()
    page.wait_for_function(f"first => ({ended} ?? first) !== first", arg=first)
    page.evaluate("document.querySelector('#txt2img_generate').dispatchEvent(new MouseEvent('contextmenu'))")
    page.evaluate("document.querySelectorAll('.context-menu button')[1].click()")


@pytest.mark.parametrize("dark", [False, True])
def test_the_theme_follows_the_system_and_the_address_wins(chromium, address, dark):
    is_dark = "document.body.classList.contains('dark')"
    followed = opened(chromium, address, dark=dark)
    assert followed.evaluate(is_dark) is dark
    followed.context.close()
    asked = opened(chromium, f"{address}?__theme={'light' if dark else 'dark'}", dark=dark)
    assert asked.evaluate(is_dark) is not dark
    asked.context.close()


@pytest.mark.parametrize("tab", ["txt2img", "img2img", "pnginfo", "settings"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_nothing_sticks_out_of_the_page(chromium, address, tab, width, height):
    page = opened(chromium, address, width=width, height=height)
    page.evaluate(f"webui.showTab('{tab}')")
    page.check("#txt2img_subseed_show input") if tab == "txt2img" else None
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints.strangers == []
    page.context.close()


@pytest.mark.skipif(SCREENSHOTS is None, reason="Set SCREENSHOTS to a folder to take pictures of the page.")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_the_page_has_its_picture_taken(chromium, address, width, height, dark):
    page = opened(chromium, address, width=width, height=height, dark=dark)
    choose_starter(page)
    generate(page, "a red house by the sea at sunset, watercolour", steps=20, side=256, seed="21", batches=2)
    name = f"{'dark' if dark else 'light'}-{width}.png"
    folder = Path(str(SCREENSHOTS))
    folder.mkdir(parents=True, exist_ok=True)
    for tab in ("txt2img", "settings"):
        page.evaluate(f"webui.showTab('{tab}')")
        page.wait_for_timeout(800)
        page.screenshot(path=folder / f"{tab}-{name}")
    page.context.close()
