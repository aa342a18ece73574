"""Pieces of HTML; every text that comes from outside is escaped here."""

import html


def paragraph(text: str, css_class: str = "") -> str:
    """Plain text as a paragraph, line breaks kept."""
    lines = "<br>".join(html.escape(line) for line in text.splitlines())
    return f'<p class="{css_class}">{lines}</p>' if css_class else f"<p>{lines}</p>"


def notice(text: str, level: str = "error") -> str:
    """A sentence in a box. `level` is "error", "warning" or "info"."""
    role = "alert" if level == "error" else "status"
    return f'<div class="notice-box {level}" role="{role}">{paragraph(text)}</div>' if text else ""


def infotext_html(text: str) -> str:
    """An infotext with its prompt, negative prompt and parameters set apart."""
    *above, last = text.strip().splitlines() or [""]
    if ": " not in last or (not above and not last.startswith("Steps:")):
        return paragraph(text, "prompt-text")
    split = next((i for i, line in enumerate(above) if line.startswith("Negative prompt:")), len(above))
    parts = [
        ("prompt-text", "\n".join(above[:split])),
        ("negative-text", "\n".join(above[split:])),
        ("parameters", last),
    ]
    return "".join(paragraph(part, name) for name, part in parts if part)


def duration(seconds: float) -> str:
    """Seconds as people say them: "8 s", "2 min 5 s", "1 h 3 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
