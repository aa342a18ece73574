"""What the page tells of the LoRAs of a run."""

from webui.core.events import LoraReport
from webui.ui.watching.lora_report import MOST_NAMES, lora_report_html


def test_without_loras_nothing_is_shown():
    assert lora_report_html(()) == ""


def test_a_lora_that_fits_is_one_quiet_line():
    shown = lora_report_html(
        [LoraReport(name="ink", made_for="SD1", matched=722, unet_layers=192, text_layers=1)]
    )
    assert "ink: all 722 tensors used" in shown
    assert "192 layers of the U-Net and 1 layer of the text encoders; made for SD1." in shown
    assert "partial" not in shown


def test_what_fits_nowhere_is_named_and_long_lists_are_cut():
    names = tuple(f"lora_unet_double_blocks_{number}" for number in range(MOST_NAMES + 5))
    shown = lora_report_html([LoraReport(name="other", made_for="Flux", matched=0, unmatched=names)])
    assert f"0 of {len(names)} tensors used" in shown
    assert "changes no layer; made for Flux" in shown
    assert f"<li>{names[0]}</li>" in shown and names[MOST_NAMES] not in shown
    assert "… and 5 more" in shown
    assert "partial" in shown


def test_names_from_files_are_no_markup():
    shown = lora_report_html([LoraReport(name="<img src=x>", matched=1, unmatched=("<script>",))])
    assert "<img" not in shown and "<script" not in shown
