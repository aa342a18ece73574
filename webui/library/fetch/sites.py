"""The sites that are asked, and what is known of their addresses."""

from dataclasses import dataclass
from urllib.parse import urlsplit

CIVITAI, HUGGINGFACE, WEB = "civitai", "huggingface", "web"
NAMES = {CIVITAI: "Civitai", HUGGINGFACE: "Hugging Face"}
# Other addresses under which people find Civitai's pages; the models are the same.
CIVITAI_HOSTS = frozenset({"civitai.com", "www.civitai.com", "civitai.green", "civitai.red"})
HUGGINGFACE_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})


@dataclass(frozen=True, slots=True)
class Sites:
    """Where the sites are. `trusted` ("host:port") may lie on this machine and go without TLS.

    Made in the program's own code only: no setting, flag or request reaches these values.
    """

    civitai: str = "https://civitai.com"
    huggingface: str = "https://huggingface.co"
    # The public list of A1111's extensions.
    extensions: str = (
        "https://raw.githubusercontent.com/AUTOMATIC1111/stable-diffusion-webui-extensions/master/index.json"
    )
    trusted: frozenset[str] = frozenset()

    def site_of(self, url: str) -> str:
        """The site an address belongs to."""
        host = host_and_port(url)
        plain = urlsplit(url).hostname or ""
        if host == host_and_port(self.civitai) or plain in CIVITAI_HOSTS:
            return CIVITAI
        if host == host_and_port(self.huggingface) or plain in HUGGINGFACE_HOSTS:
            return HUGGINGFACE
        return WEB

    def key_site(self, url: str) -> str | None:
        """The site whose key may be sent to an address: the very origin of its API, nothing beside it."""
        for site, base in ((CIVITAI, self.civitai), (HUGGINGFACE, self.huggingface)):
            if origin(url) == origin(base):
                return site
        return None


def host_and_port(url: str) -> str:
    """`host:port` of an address, the port of its scheme where none is given."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def origin(url: str) -> tuple[str, str]:
    """Scheme, host and port of an address."""
    return urlsplit(url).scheme.lower(), host_and_port(url)
