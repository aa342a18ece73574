"""What became of the LoRAs of a run, as the page shows it under the pictures."""

import html
from collections.abc import Sequence

from webui.core.events import LoraReport

# Of a file for another kind of network hundreds fit nowhere; the first tell which kind of names they are.
MOST_NAMES = 40


def lora_report_html(reports: Sequence[LoraReport]) -> str:
    """A line that tells how much of each LoRA was used, and opens to the rest; empty without LoRAs."""
    if not reports:
        return ""
    state = "" if all(not report.unmatched for report in reports) else " partial"
    line = " · ".join(f"{html.escape(report.name)}: {used(report)}" for report in reports)
    rows = "".join(map(lora_html, reports))
    title = "LoRA" if len(reports) == 1 else "LoRAs"
    return (
        f'<details class="lora-report{state}"><summary><b>{title}</b> <span>{line}</span></summary>'
        f"<dl>{rows}</dl></details>"
    )


def used(report: LoraReport) -> str:
    """How much of it was used, in words."""
    if not report.unmatched:
        return f"all {report.total} tensors used"
    return f"{report.matched} of {report.total} tensors used"


def lora_html(report: LoraReport) -> str:
    """One LoRA: what it is for, what it changes, what fits nowhere."""
    made_for = f"made for {html.escape(report.made_for)}" if report.made_for else "made for an unknown family"
    changes = [
        f"{count} layer{'s' if count != 1 else ''} of the {part}"
        for count, part in ((report.unet_layers, "U-Net"), (report.text_layers, "text encoders"))
        if count
    ]
    does = f"changes {' and '.join(changes)}" if changes else "changes no layer"
    sentence = f"{used(report)}; {does}; {made_for}."
    facts = f"<dt>{html.escape(report.name)}</dt><dd>{sentence[0].upper()}{sentence[1:]}</dd>"
    return facts + (unmatched_html(report.unmatched) if report.unmatched else "")


def unmatched_html(names: Sequence[str]) -> str:
    """The names of tensors that fit nowhere."""
    shown = "".join(f"<li>{html.escape(name)}</li>" for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    rest = f"<li>… and {more} more</li>" if more > 0 else ""
    return f"<dd>These fit no layer of the checkpoint:<ul>{shown}{rest}</ul></dd>"
