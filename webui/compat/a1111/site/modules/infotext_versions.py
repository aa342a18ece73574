"""Versions at which infotexts changed their meaning."""
# pyright: basic

from packaging import version

v160 = version.parse("1.6.0")
v170_tsnr = version.parse("v1.7.0-225")
v180 = version.parse("1.8.0")
v180_hr_styles = version.parse("1.8.0-139")


def parse_version(text):
    try:
        return version.parse(text)
    except version.InvalidVersion:
        return None


def backcompat(d):
    """Nothing: the host reads old infotexts as their versions meant them."""
