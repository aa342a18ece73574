"""The page as it is built: ids that scripts of extensions rely on, settings, assets."""

import re
from collections import Counter
from html.parser import HTMLParser

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.core.settings import Settings
from webui.main import build_services
from webui.store.pictures.history import REQUEST_ITEM
from webui.ui.app import build_ui, mount_ui
from webui.ui.components.setting_widget import all_options, setting_widget
from webui.ui.joined_assets import JoinedAssets
from webui.ui.page import ASSETS, mount_page, page_head, preloading
from webui.ui.tabs.pnginfo import item_html
from webui.ui.tabs.settings import section_title

# What scripts of extensions look up, for the tabs that are here.
EXPECTED = """
quicksettings setting_sd_model_checkpoint refresh_sd_model_checkpoint setting_sd_vae tabs footer
paste tab_txt2img tab_pnginfo tab_train tab_settings settings settings_json settings_submit pnginfo_image
pnginfo_generation_info txt2img_tab txt2img_toprow txt2img_prompt_container txt2img_prompt
txt2img_neg_prompt txt2img_prompt_row txt2img_neg_prompt_row txt2img_actions_column
txt2img_generate_box txt2img_generate txt2img_interrupt txt2img_skip txt2img_tools
txt2img_clear_prompt txt2img_style_apply txt2img_restore_progress txt2img_token_counter
txt2img_token_button txt2img_negative_token_counter txt2img_negative_token_button txt2img_styles
txt2img_settings sampler_selection_txt2img txt2img_sampling txt2img_scheduler txt2img_steps
txt2img_column_size txt2img_width txt2img_height txt2img_dimensions_row txt2img_res_switch_btn
txt2img_column_batch txt2img_batch_count txt2img_batch_size txt2img_cfg_scale txt2img_tiling
txt2img_restore_faces txt2img_accordions txt2img_hr txt2img_hr-checkbox txtimg_hr_finalres
txt2img_hires_fix_row1 txt2img_hr_upscaler txt2img_hires_steps txt2img_denoising_strength
txt2img_hires_fix_row2 txt2img_hr_scale txt2img_hr_resize_x txt2img_hr_resize_y
txt2img_hires_fix_row3 hr_checkpoint hr_checkpoint_refresh hr_sampler hr_scheduler
txt2img_hires_fix_row4 hires_prompt hires_neg_prompt txt2img_enable txt2img_enable-checkbox
txt2img_checkpoint txt2img_checkpoint_refresh txt2img_switch_at
txt2img_seed_row txt2img_seed txt2img_random_seed txt2img_reuse_seed txt2img_subseed_show
txt2img_seed_extras txt2img_subseed_row txt2img_subseed txt2img_random_subseed txt2img_reuse_subseed
txt2img_subseed_strength txt2img_seed_resize_from_row txt2img_seed_resize_from_w
txt2img_seed_resize_from_h txt2img_override_settings txt2img_script_container txt2img_results
txt2img_results_panel txt2img_gallery_container txt2img_gallery image_buttons_txt2img save_txt2img
save_zip_txt2img download_files_txt2img html_info_txt2img html_log_txt2img generation_info_txt2img
tab_img2img img2img_toprow img2img_prompt img2img_neg_prompt img2img_generate img2img_interrupt
img2img_skip img2img_tools img2img_styles mode_img2img img2img_img2img_tab img2img_img2img_sketch_tab
img2img_inpaint_tab img2img_inpaint_sketch_tab img2img_inpaint_upload_tab img2img_batch_tab
img2img_image img2img_sketch img2maskimg inpaint_sketch img_inpaint_base img_inpaint_mask
img2img_batch_source img2img_batch_upload img2img_batch_input_dir img2img_batch_output_dir
img2img_batch_inpaint_mask_dir img2img_batch_use_png_info img2img_batch_png_info_dir
img2img_batch_png_info_props inpaint_controls img2img_mask_blur img2img_mask_alpha img2img_mask_mode
img2img_inpainting_fill img2img_inpaint_full_res img2img_inpaint_full_res_padding resize_mode
img2img_settings img2img_column_size img2img_width img2img_height img2img_res_switch_btn
img2img_detect_image_size_btn img2img_tabs_resize img2img_tab_resize_to img2img_tab_resize_by
img2img_scale img2img_scale_resolution_preview img2img_batch_count img2img_batch_size
img2img_denoising_strength img2img_sampling img2img_scheduler img2img_steps img2img_cfg_scale
img2img_seed img2img_subseed_show img2img_override_settings img2img_script_container img2img_results
img2img_gallery image_buttons_img2img save_img2img html_info_img2img html_log_img2img
generation_info_img2img txt2img_send_to_img2img txt2img_send_to_inpaint txt2img_send_to_extras
img2img_tab inpaint_tab
"""


def ids_of(page):
    return [block.elem_id for block in page.blocks.values() if getattr(block, "elem_id", None)]


@pytest.mark.parametrize("elem_id", EXPECTED.split())
def test_an_element_that_extensions_look_for_is_there(built_page, elem_id):
    assert elem_id in ids_of(built_page)


def test_every_element_id_exists_once(built_page):
    assert [elem_id for elem_id, count in Counter(ids_of(built_page)).items() if count > 1] == []


def test_every_setting_can_be_changed_somewhere(built_page):
    assert {f"setting_{key}" for key in all_options()} <= set(ids_of(built_page))


@pytest.mark.parametrize("key", list(all_options()))
def test_a_settings_widget_says_what_it_is_and_holds_the_default(key):
    option = all_options()[key]
    widget = setting_widget(option, Settings().options()[key], {})
    assert widget.label
    assert widget.value == option.default


def test_no_component_is_left_out_of_the_page_when_it_is_hidden(built_page):
    left_out = [
        block.elem_id for block in built_page.blocks.values() if getattr(block, "visible", True) is False
    ]
    # These are drawn by settings.js, a moment after the page can be used.
    quick = Settings().options()["quicksettings_list"]
    sections = dict.fromkeys(option.section for key, option in all_options().items() if key not in quick)
    assert left_out == [f"settings_{section}" for section in sections]


def test_sections_and_texts_have_names_that_artists_know():
    titles = [section_title(option.section) for option in all_options().values()]
    assert "Precision" in titles
    assert "Numbers" not in titles
    assert not [title for title in titles if not title[0].isupper() or "_" in title]
    for value in ("{}", "{" * 1000):
        shown = item_html(REQUEST_ITEM, value)
        assert "All values, as the program keeps them" in shown
        assert "atelier" not in shown
    assert "workflow" in item_html("workflow", "{}")


class Links(HTMLParser):
    """The addresses that a head refers to."""

    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_head_names_files_that_are_there_and_nothing_outside():
    joined = JoinedAssets(ASSETS)
    for head in (page_head(joined, "dark"), preloading(joined)):
        links = Links()
        links.feed(head)
        assert [address.partition("?")[0] for address in links.addresses] == [
            "assets/page/page.css",
            "assets/page/page.js",
        ]
        versions = [joined.by_name[name].version for name in ("page.css", "page.js")]
        assert [address.partition("?")[2] for address in links.addresses] == versions


def test_styles_and_scripts_refer_to_nothing_outside():
    for path in ASSETS.rglob("*.[cj]s*"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]+/", text), path.name


def test_a_script_does_one_thing_and_is_short():
    lengths = {path.name: path.read_text(encoding="utf-8").count("\n") for path in ASSETS.glob("js/*.js")}
    assert len(lengths) > 5
    assert {name: length for name, length in lengths.items() if length > 200} == {}


def test_the_page_is_described_when_it_is_mounted_and_not_before(services, monkeypatch):
    asked = []
    whole = gr.Blocks.get_config_file
    monkeypatch.setattr(gr.Blocks, "get_config_file", lambda page: asked.append(page) or whole(page))

    page = build_ui(services)
    before = len(asked)
    mount_page(FastAPI(), page, services.flags)

    assert before == 0
    assert len(asked) <= 2
    assert {each["id"] for each in page.config["components"]} >= set(page.blocks)


@pytest.mark.parametrize("words", [[], ["--safe"]])
def test_the_owners_own_styles_come_last_and_not_where_the_server_is_to_be_safe(tmp_path, words):
    (tmp_path / "user.css").write_text("#tabs { color: red }", encoding="utf-8")
    services = build_services(read_flags(["--data-dir", str(tmp_path), *words])[0], tmp_path)
    client = TestClient(mount_ui(build_api(services), services), base_url="http://127.0.0.1")
    page = client.get("/").text
    styles = re.findall(r'<link rel="stylesheet" href="([^"?]+)', page)
    answer = client.get("/v1/user.css")
    if words:
        assert "v1/user.css" not in styles
        assert answer.status_code == 404
        return
    assert styles[-1] == "v1/user.css"
    assert answer.text == "#tabs { color: red }"
    assert answer.headers["content-type"].startswith("text/css")
    (tmp_path / "user.css").unlink()
    (tmp_path / "user.css").symlink_to("/etc/hostname")
    assert client.get("/v1/user.css").status_code == 404
