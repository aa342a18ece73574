"""What scripts and styles do in the browser, by patterns: there is no reader of JavaScript here."""

import re

from webui.library.community.reading.code_report import CodeKind, CodePlace
from webui.library.community.reading.python_code import LINK, Note

# Each goes over a text in one pass: no part of them can match the same letters in two ways.
PATTERNS: tuple[tuple[CodeKind, re.Pattern[str]], ...] = (
    (
        "network",
        re.compile(
            r"\bfetch\s{0,9}\(|\bXMLHttpRequest\b|\bnew\s{1,9}(?:WebSocket|EventSource)\b|\bsendBeacon\b|\bimportScripts\b"
            r"|\bimport\s{0,9}\(\s{0,9}[\"'`]https?:|\baxios\b|\$\.(?:ajax|get|post|getJSON)\b"
            r"|<script[^>]{0,200}\bsrc\s{0,9}=\s{0,9}[\"']?(?:https?:)?//|@import\s{1,9}(?:url\()?[\"']?(?:https?:)?//"
            r"|\burl\(\s{0,9}[\"']?(?:https?:)?//"
        ),
    ),
    (
        "dynamic",
        re.compile(
            r"\beval\s{0,9}\(|\bnew\s{1,9}Function\b|\bFunction\s{0,9}\(\s{0,9}[\"'`]|\bset(?:Timeout|Interval)\s{0,9}"
            r"\(\s{0,9}[\"'`]|\bdocument\.write\b|\bcreateElement\s{0,9}\(\s{0,9}[\"'`]script\b"
        ),
    ),
    (
        "secrets",
        re.compile(r"\bdocument\.cookie\b|\bclipboard\.read|\bPasswordCredential\b|\bcredentials\.get\b"),
    ),
)


def read_page_code(source: str, file: str, note: Note, hosts: set[str]) -> None:
    """Note what a script, a style or a page does."""
    hosts.update(found[1].lower() for found in LINK.finditer(source))
    ends = [found.end() for found in re.finditer("\n", source)]
    for kind, pattern in PATTERNS:
        line = 0
        for found in pattern.finditer(source):
            while line < len(ends) and ends[line] <= found.start():
                line += 1
            note(kind, CodePlace(file=file, line=line + 1, what=" ".join(found[0].split())[:120]))
