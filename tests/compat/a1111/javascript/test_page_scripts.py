"""Scripts of an A1111 extension in the real page: what they find, call and change there, by which names."""

from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.ui import browser as steps

HERE = Path(__file__).parent
SELECTORS = (HERE / "host_selectors.txt").read_text().split("\n")[:-1]
COUNT = "selectors => selectors.map((each) => gradioApp().querySelectorAll(each).length)"
LEAST_SHARE = 0.95
FAILURES = """async () => {
  const { extensions } = await (await fetch("v1/extensions")).json();
  return extensions.find(({ name }) => name === "page_scripts").failures === 4;
}"""
LEAST_NAMES = 94
RUN = """async ([tools, text]) => {
  new Function(`${tools}; window.checkTools = checkTools;`)();
  const names = Object.keys(checkTools);
  const checks = new Function(...names, `return ${text}`)(...Object.values(checkTools));
  const found = {};
  for (const [name, check] of Object.entries(checks)) {
    try {
      const kind = new Function(`return typeof ${name}`)();
      const seen = kind === "undefined" ? "it is not there" : await check();
      if (seen !== true) found[name] = JSON.stringify(seen) ?? String(seen);
    } catch (error) {
      found[name] = String(error);
    }
  }
  return [Object.keys(checks), found];
}"""


def test_scripts_run_in_order_and_what_fails_in_one_stays_there(page: Page):
    page.wait_for_function("pageScripts.afterUpdates > 0")
    told = page.evaluate("pageScripts")
    assert told["order"] == ["a_broken.js", "b_records.js"]
    assert told["loaded"] == ["before the failure", "after the failure", "async", "module"]
    assert told["updates"] > 1
    assert told["optionsAtStart"] == 0
    assert told["withOptions"]["options"] > 50
    assert told["withOptions"]["missing"] == []
    assert told["optionsAvailable"] is True
    # Of the first settings too, and whoever asked to be told when the page was there.
    assert page.evaluate("[pageScripts.options, pageScripts.lateOptions]") == [1, 1]
    assert told["sawLoading"] is True
    assert "/file=extensions/page_scripts/javascript/b_records.js?" in told["src"]
    style = "getComputedStyle(document.documentElement).getPropertyValue('--page-scripts-style')"
    assert page.evaluate(style).strip() == '"there"'
    colour = style.replace("--page-scripts-style", "--link-text-color-visited")
    assert page.evaluate(colour).strip() == "rgb(1 2 3)"
    # The document answers an extension, and only an extension, as gradioApp() does.
    assert told["onDocument"] == [True] * 3
    assert told["nowhere"] == [None, None]
    assert page.evaluate("document.getElementById('txt2img_extra_networks')") is None
    # What failed is counted where the owner looks: two calls, one script that broke off, one that is none.
    page.wait_for_function(FAILURES)


def test_the_host_itself_complains_of_nothing(page: Page):
    complaints = page.complaints  # pyright: ignore[reportAttributeAccessIssue]
    own = ("fails here", "thisNameIsNowhere", "Unexpected identifier")
    assert [error for error in complaints.errors if not any(words in error for words in own)] == []
    assert complaints.strangers == []


def test_the_tab_that_is_shown_is_told_of(page: Page):
    page.evaluate("pageScripts.tabChanges = 0")
    page.click("#tab_extras-button")
    page.wait_for_function("pageScripts.tabChanges === 1")
    assert page.evaluate("[get_uiCurrentTab().textContent, get_uiCurrentTabContent().id]") == [
        "Extras ",
        "tab_extras",
    ]
    page.click("#tab_txt2img-button")
    page.wait_for_function("pageScripts.tabChanges === 2")


def test_what_an_extension_frames_is_there_when_the_page_is(page: Page):
    assert page.evaluate("pageScripts.frames") == {"early": 0, "atStart": 1}
    page.wait_for_function("pageScripts.framesLoaded === 1")


def test_the_panel_of_a_tab_that_is_shown_is_a_block_as_in_gradio_3(page: Page):
    names = "['txt2img_nested_first', 'txt2img_nested_second']"
    shown = f"{names}.map((name) => document.getElementById(name).style.display)"
    page.wait_for_function(f"String({shown}) === 'block,none'")
    page.click("#txt2img_nested button[role=tab]:has-text('Second'):visible")
    page.wait_for_function(f"String({shown}) === 'none,block'")
    page.click("#txt2img_nested button[role=tab]:has-text('First'):visible")
    page.wait_for_function(f"String({shown}) === 'block,none'")
    drawn = "getComputedStyle(document.getElementById('txt2img_nested_first')).display"
    assert page.evaluate(drawn) == "flex"


def test_what_scripts_reach_by_children_answers_as_gradio_3_does(page: Page):
    assert page.evaluate("pageScripts.walkPanels()") == ["Folded panel,false,1"]
    # A script of the program's own is told what is there.
    assert page.evaluate("document.body.querySelector('.input-accordion-checkbox')") is None


def test_pictures_of_a_gallery_are_found_as_in_gradio_3(page: Page):
    found = page.evaluate("""() => {
      const gallery = document.createElement("div");
      gallery.id = "own_gallery";
      gallery.innerHTML = `
        <span class="preview"><div class="thumbnails"><button class="thumbnail-item"></button></div></span>
        <div class="grid-wrap"><div class="grid-container">
          <div class="gallery-item"><button class="thumbnail-item"></button></div>
        </div></div>`;
      document.body.append(gallery);
      const given = gradioApp().getElementById("own_gallery");
      const small = given.querySelectorAll("div.preview > div.thumbnails > button.thumbnail-item");
      const large = given.querySelectorAll("div.grid-wrap > div.grid-container > button.thumbnail-item");
      gallery.remove();
      return [small.length, large.length];
    }""")
    assert found == [1, 1]


def test_a_click_in_a_gallery_is_told_once_the_page_has_heard_of_it(page: Page):
    told = page.evaluate("""async () => {
      const gallery = document.createElement("div");
      gallery.className = "gradio-gallery";
      const button = document.createElement("button");
      gallery.append(button);
      document.body.append(gallery);
      const order = [];
      const told = (event) => order.push(event.target === button && "extension");
      pageScripts.listen(button, told);
      document.addEventListener("click", () => order.push("page"), { once: true });
      button.click();
      await new Promise((resolve) => setTimeout(resolve, 20));
      pageScripts.unlisten(button, told);
      button.click();
      await new Promise((resolve) => setTimeout(resolve, 20));
      gallery.remove();
      return order;
    }""")
    assert told == ["page", "extension"]


def test_a_script_presses_heads_and_tabs_and_is_told_what_they_are_then(page: Page):
    told = page.evaluate("""async () => {
      const wait = () => new Promise((resolve) => setTimeout(resolve, 100));
      const head = gradioApp().querySelector(".input-accordion#txt2img_hr > .label-wrap");
      const tab = gradioApp().querySelector("#tab_extras-button");
      const seen = [];
      const isOpen = ({ className }) => /\\bopen|-open/.test(className);
      const open = () => seen.push([head, head.parentNode].map(isOpen));
      const chosen = () => seen.push(tab.classList.contains("selected"));
      pageScripts.listen(head, open);
      pageScripts.listen(tab, chosen);
      for (const each of [head, head, tab]) {
        each.click();
        await wait();
      }
      pageScripts.unlisten(head, open);
      pageScripts.unlisten(tab, chosen);
      switch_to_txt2img();
      return seen;
    }""")
    assert told == [[True, True], [False, False], True]


def test_a_script_chooses_from_a_list_by_events_of_its_own(page: Page):
    chosen = page.evaluate("""async () => {
      const wait = () => new Promise((resolve) => setTimeout(resolve, 200));
      const tell = (element, type) =>
        element.dispatchEvent(new MouseEvent(type, { view: window, bubbles: true, cancelable: true }));
      const list = gradioApp().getElementById("txt2img_sampling");
      const field = list.querySelector("input");
      const before = field.value, values = [];
      for (const value of ["Euler a", before]) {
        tell(field, "focus");
        await wait();
        const items = [...list.querySelectorAll("ul li")];
        tell(items.find((item) => item.lastChild.wholeText.trim() === value), "mousedown");
        tell(field, "blur");
        await wait();
        values.push(field.value === value);
      }
      await wait();
      return [values, list.querySelectorAll("ul li").length, document.activeElement === field];
    }""")
    assert chosen == [[True, True], 0, False]


def test_an_extension_may_show_the_large_view_its_own_way(page: Page):
    told = page.evaluate("""async () => {
      const gallery = document.createElement("div");
      gallery.id = "own_gallery";
      gallery.innerHTML =
        `<div class="preview"><button class="media-button"><img src="data:,"></button></div>`;
      document.body.append(gallery);
      const own = showModal, keys = [];
      const modal = document.querySelector("#lightboxModal");
      const picture = gallery.querySelector("img");
      window.showModal = (event) => {
        keys.push(event.target === picture);
        modal.style.display = "flex";
      };
      picture.click();
      modal.onkeydown = (event) => keys.push(event.key);
      modal.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
      const isOpen = modal.classList.contains("open");
      modal.style.display = "";
      modal.onkeydown = null;
      window.showModal = own;
      picture.click();
      const isOpenNow = modal.classList.contains("open");
      modalKeyHandler(new KeyboardEvent("keydown", { key: "Escape" }));
      gallery.remove();
      const controls = document.querySelector("#lightboxModal > .modalControls > .modalClose");
      return [keys, isOpen, isOpenNow, modal.classList.contains("open"), controls !== null];
    }""")
    assert told == [[True, "ArrowLeft"], False, True, False, True]


def test_a_copy_of_a_small_button_shows_the_sign_it_is_given(page: Page):
    shown = page.evaluate("""async () => {
      const small = document.querySelector("#quicksettings button.tool.gradio-button[class*='icon-']");
      const copies = [small.cloneNode(true), small.cloneNode(true)];
      copies[0].innerHTML = "\\u2728";
      small.after(...copies);
      await new Promise((resolve) => setTimeout(resolve));
      const drawn = copies.map((each) => {
        return [getComputedStyle(each, "::before").content, getComputedStyle(each).fontSize];
      });
      copies.forEach((each) => each.remove());
      return drawn.flat();
    }""")
    assert shown[0] == "none"
    assert float(shown[1].removesuffix("px")) > 10
    # One that is not written on stays as it was.
    assert shown[2:] == ['""', "0px"]


def test_a_canvas_is_not_enlarged_twice(page: Page):
    page.evaluate("document.querySelector('#img2maskimg').style.transform = 'scale(2)'")
    assert page.evaluate("getComputedStyle(document.querySelector('#img2maskimg')).transform") == "none"
    brush = "document.body.querySelector('#img2maskimg .brush button').ariaLabel"
    assert page.evaluate(brush) == "Use brush"


def test_a_small_button_stays_whatever_size_its_letters_have(page: Page):
    shown = page.evaluate("""() => {
      const style = document.createElement("style");
      style.textContent = ".gradio-button.tool { height: 2.5em !important }";
      document.head.append(style);
      const button = document.querySelector("#txt2img_random_seed");
      const height = button.getBoundingClientRect().height;
      style.remove();
      return height;
    }""")
    assert shown >= 30


def test_parts_can_be_placed_by_the_last_one_of_the_results(page: Page):
    expect(page.locator("#txt2img_results #folded_beside")).to_be_visible()
    button = "gradioApp().querySelector('#txt2img_generation_info_button')"
    assert page.evaluate(f"uiElementIsVisible({button})") is False


def test_a_file_that_says_no_kind_is_taken_as_in_gradio_3(page: Page):
    page.evaluate("webui.showTab('pnginfo')")
    page.evaluate("""async () => {
      const canvas = document.createElement("canvas");
      const data = await new Promise((resolve) => canvas.toBlob(resolve));
      const files = new DataTransfer();
      files.items.add(new File([data], "drawn.png"));
      const field = document.querySelector("#pnginfo_image input[type=file]");
      field.files = files.files;
      field.dispatchEvent(new Event("change", { bubbles: true, composed: true }));
    }""")
    expect(page.locator("#pnginfo_image img")).to_be_visible()
    page.evaluate("webui.showTab('txt2img')")


def test_the_script_of_an_event_is_given_pictures_as_texts_as_in_gradio_3(page: Page):
    told = page.evaluate("""async () => {
      const url = document.createElement("canvas").toDataURL();
      const picture = { path: "p.png", url, mime_type: "image/png", meta: { _type: "gradio.FileData" } };
      window.toldOf = [];
      const script = "(...given) => { window.toldOf.push(given); return [given[0], given[1] + 1]; }";
      const after = await atelierHost.runScript(script, [picture, 1], []);
      const other = atelierHost.runScript("(word) => word + '!'", ["no picture"], []);
      const newer = atelierHost.runScript("(picture) => picture.path", [picture]);
      return [window.toldOf[0][0] === url, after[0] === picture, after[1], other, newer];
    }""")
    assert told == [True, True, 2, "no picture!", "p.png"]


def test_the_script_of_an_event_is_given_files_by_the_names_of_gradio_3(page: Page):
    told = page.evaluate("""async () => {
      const file = { path: "/uploads/a.json", url: "/file=a.json", orig_name: "a.json", size: 2 };
      const meta = { _type: "gradio.FileData" };
      const picture = { ...file, path: "/uploads/p.png", mime_type: "image/png", meta };
      const script = `(file, many) => {
        window.toldOf = [file.name, file.data, file.is_file, many[0].name];
        return file;
      }`;
      const after = await atelierHost.runScript(script, [file, [picture]], [0, 1]);
      const send = "(picture) => ({ sent: JSON.stringify(picture), name: picture.name })";
      const sent = await atelierHost.runScript(send, [picture], [0]);
      return [window.toldOf, after === file, sent.name, sent.sent.includes("is_file")];
    }""")
    assert told == [
        ["/uploads/a.json", "/file=a.json", True, "/uploads/p.png"], True, "/uploads/p.png", False
    ]  # fmt: skip


def test_a_picture_given_to_a_hidden_field_comes_onto_the_canvas(page: Page, picture: Path):
    canvas = page.locator(".canvas[data-name=img2img_image]")
    page.set_input_files("#img2img_image input[type=file]", picture)
    expect(canvas).to_have_attribute("data-size", "48x32")
    page.wait_for_function("gradioApp().querySelector('#img2img_image img').naturalWidth === 48")
    page.evaluate("gradioApp().querySelector(\"#img2img_image button[aria-label='Remove Image']\").click()")
    expect(canvas).to_have_attribute("data-size", "")
    # A field that cannot be painted on has no buttons while it is empty: scripts would wait for them to go.
    assert page.evaluate("gradioApp().querySelector('#img2img_image button[aria-label]')") is None
    page.evaluate("switch_to_img2img_tab(2)")
    sketch = page.locator(".canvas[data-name=img2maskimg]")
    page.set_input_files("#img2maskimg input[type=file]", picture)
    expect(sketch).to_have_attribute("data-size", "48x32")
    page.evaluate("gradioApp().querySelector(\"#img2maskimg button[aria-label='Remove Image']\").click()")
    expect(sketch).to_have_attribute("data-size", "")
    page.evaluate("gradioApp().querySelector(\"#img2maskimg button[aria-label='Undo']\").click()")
    expect(sketch).to_have_attribute("data-size", "48x32")
    page.evaluate("gradioApp().querySelector(\"#img2maskimg button[aria-label='Remove Image']\").click()")
    # As the tests after this one find it.
    page.evaluate("webui.canvasBoards.get('img2img_image').history.undo()")
    page.evaluate("switch_to_img2img_tab(0)")
    page.evaluate("switch_to_txt2img()")


def test_a_picture_given_to_controlnets_field_becomes_its_units(page: Page, picture: Path):
    field = "gradioApp().querySelector('#txt2img_controlnet').querySelector('input[type=file]')"
    page.evaluate_handle(field).as_element().set_input_files(picture)  # pyright: ignore[reportOptionalMemberAccess]
    page.wait_for_function("atelier.readPart('txt2img', 'controlnet').units?.[0]?.image")
    expect(page.locator("#txt2img_controlnet img.cn-image").first).to_be_attached()
    # Our own panel, now open, has the same id.
    for found in (
        "gradioApp().querySelector('#txt2img_controlnet')",
        "pageScripts.find('#txt2img_controlnet')",
    ):
        assert page.evaluate(f"{found}.querySelector('.label-wrap') !== null")
    page.evaluate("gradioApp().querySelector(\"#txt2img_controlnet button[aria-label='Clear']\").click()")
    page.wait_for_function("!atelier.readPart('txt2img', 'controlnet').units?.[0]?.image")
    # The buttons that clear are there with a picture alone: editors of poses wait for them.
    units = "gradioApp().querySelector('#txt2img_script_container').querySelector('#controlnet')"
    count = f"{units}.querySelectorAll('div[data-testid=image]').length"
    assert page.evaluate(
        f"[{count}, {units}.querySelector('.tab-nav').querySelectorAll('button').length]"
    ) == [3, 3]
    second = f"{units}.querySelectorAll('div[data-testid=image]')[1]"
    assert page.evaluate(f"{second}.querySelector('button[aria-label=Clear]')") is None
    handle = page.evaluate_handle(f"{second}.querySelector('input[type=file]')").as_element()
    handle.set_input_files(picture)  # pyright: ignore[reportOptionalMemberAccess]
    page.wait_for_function(f"{second}.querySelector('button[aria-label=Clear]')")
    page.evaluate(f"{second}.querySelector('button[aria-label=Clear]').click()")
    page.wait_for_function("!atelier.readPart('txt2img', 'controlnet').units?.[1]?.image")
    assert page.evaluate(f"{second}.querySelector('button[aria-label=Clear]')") is None


def test_a_page_of_cards_stands_among_the_programs_own(page: Page):
    place = page.locator("#txt2img_own-cards")
    page.locator("#txt2img_extra_tabs [role=tab]", has_text="Own cards").click()
    expect(place.locator(".card:visible .name")).to_have_text(["blue <b>", "red"])

    place.locator("#txt2img_own-cards_extra_search").fill("red")
    expect(place.locator(".card:visible .name")).to_have_text(["red"])
    place.locator(".card:visible").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value('red "light"')

    place.locator("#txt2img_own-cards_extra_refresh").click()
    expect(place.locator(".card:visible .name")).to_have_text(["red", "red again"])
    page.locator("#txt2img_prompt textarea").fill("")
    page.locator("#txt2img_extra_tabs [role=tab]", has_text="Generation").click()
    expect(place).to_be_hidden()
    expect(page.locator("#txt2img_settings")).to_be_visible()


def test_a_canvas_is_a_field_of_a_picture(page: Page, picture: Path):
    field = "gradioApp().querySelector('#img2img_sketch').querySelectorAll('div[data-testid=\"image\"]')[0]"
    handle = page.evaluate_handle(f"{field}.querySelector('input[type=file]')").as_element()
    handle.set_input_files(picture)  # pyright: ignore[reportOptionalMemberAccess]
    expect(page.locator("#img2img_sketch .canvas")).to_have_attribute("data-size", "48x32")
    page.evaluate(f"{field}.querySelector(\"button[aria-label='Clear']\").click()")
    page.wait_for_function(f"!{field}.querySelector(\"button[aria-label='Clear']\")")


def test_a_job_is_seen_to_come_and_go_among_what_the_panel_of_results_holds(page: Page):
    page.evaluate("""() => {
      window.panelChanges = [];
      const look = (changes) => window.panelChanges.push(...changes.map((each) => each.addedNodes.length));
      const panel = gradioApp().querySelector("#txt2img_results_panel");
      new MutationObserver(look).observe(panel, { childList: true });
    }""")
    # One is over before its progress is seen.
    for made, count in enumerate((1, 20)):
        steps.fill_form(page, "a fox", steps=count)
        page.click("#txt2img_generate")
        page.wait_for_function(f"window.panelChanges.join() === '{','.join(['1,0'] * (made + 1))}'")


def test_the_programs_own_cards_are_found_and_have_a_row_for_buttons(page: Page):
    page.click("#txt2img_extra_tabs button[data-page=checkpoints]")
    expect(page.locator("#txt2img_checkpoints_cards .card").first).to_be_visible()
    found, rows = page.evaluate("""() => {
      const found = gradioApp().querySelectorAll("#txt2img_extra_tabs .card:not([seen]), #none .card");
      const cards = [...found].filter((card) => card.closest("#txt2img_checkpoints_cards"));
      return [cards.length, cards.filter((card) => card.querySelector(".button-row button")).length];
    }""")
    assert found == rows == page.locator("#txt2img_checkpoints_cards .card").count() > 0
    pages = "['checkpoints', 'lora'].map((name) => document.getElementById(`txt2img_${name}`))"
    page.wait_for_function(f"{pages}.map((each) => each.style.display).join() === 'block,none'")
    assert page.evaluate(f"{pages}.map((each) => getComputedStyle(each).display)") == ["flex", "none"]
    page.click("#txt2img_extra_tabs button[data-page=generation]")
    page.wait_for_function(f"{pages}.map((each) => each.style.display).join() === 'none,none'")


def test_nearly_all_selectors_that_extensions_use_find_something(page: Page):
    steps.fill_form(page, "a fox", steps=1)
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery .thumbnail-small")).to_be_attached()
    page.click("#txt2img_extra_tabs button[data-page=checkpoints]")
    expect(page.locator("#txt2img_checkpoints_cards .card").first).to_be_visible()
    page.click("#txt2img_extra_tabs button[data-page=generation]")
    counts = page.evaluate(COUNT, SELECTORS)
    missing = [each for each, count in zip(SELECTORS, counts, strict=True) if not count]
    assert len(SELECTORS) >= 245
    assert 1 - len(missing) / len(SELECTORS) >= LEAST_SHARE, missing


def test_every_global_does_what_its_name_says(page: Page, picture: Path):
    page.set_input_files("#img2img_image input[type=file]", picture)
    expect(page.locator(".canvas[data-name=img2img_image]")).to_have_attribute("data-size", "48x32")
    steps.fill_form(page, "a fox", steps=1)
    page.click("#txt2img_generate")
    expect(page.locator("#txt2img_gallery .thumbnail-small")).to_be_attached()
    texts = [(HERE / name).read_text(encoding="utf-8") for name in ("check_tools.js", "global_checks.js")]
    # As comments stand before the object.
    tools, checks = texts[0], texts[1][texts[1].index("({") :]
    names, failed = page.evaluate(RUN, [tools, checks])
    assert len(names) >= LEAST_NAMES
    assert failed == {}


def test_a_translation_that_the_settings_choose_is_shown_and_the_page_still_works(page: Page, address: str):
    options = {"localization": "Upside_down"}
    httpx.post(f"{address}sdapi/v1/options", json=options, timeout=steps.PATIENCE_S).raise_for_status()
    page.reload()
    page.wait_for_selector("html[data-extensions=ready][data-parts=ready]", state="attached")
    expect(page.locator("#txt2img_generate")).to_have_text("ǝʇɐɹǝuǝ⅁")
    expect(page.locator("#tab_txt2img-button")).to_have_text("2ʇxʇ")
    page.click("#tab_img2img-button")
    inpaint = page.locator("#mode_img2img > .tab-nav > button", has_text="ʇuᴉɐduI").first
    inpaint.click()
    expect(inpaint).to_have_class("selected")
    expect(page.locator("#img2maskimg")).to_be_visible()
    # What artists wrote and names of files stay as they are.
    page.fill("#img2img_prompt textarea", "Generate")
    assert page.input_value("#img2img_prompt textarea") == "Generate"
