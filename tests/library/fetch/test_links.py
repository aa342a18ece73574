import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.library.fetch.links import CivitaiLink, HuggingFaceLink, WebLink, parse_link
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.sites import Sites

SITES = Sites()
UNDERSTOOD = {
    "https://civitai.com/models/12/some-name?modelVersionId=34": CivitaiLink(12, 34),
    "https://civitai.com/models/12": CivitaiLink(12),
    "https://civitai.com/models/12/a/b#x": CivitaiLink(12),
    "https://civitai.green/models/12": CivitaiLink(12),
    "civitai.com/models/12?modelVersionId=": CivitaiLink(12),
    "https://civitai.com/api/v1/models/12": CivitaiLink(12),
    "https://civitai.com/model-versions/34": CivitaiLink(version_id=34),
    "https://civitai.com/api/v1/model-versions/34": CivitaiLink(version_id=34),
    "https://civitai.com/api/v1/model-versions/by-hash/ABCDEF0123": CivitaiLink(hash="abcdef0123"),
    "https://civitai.com/api/download/models/34": CivitaiLink(version_id=34),
    "https://civitai.com/api/download/models/34?type=Model&format=SafeTensor&token=SECRET": CivitaiLink(
        version_id=34, choices=(("type", "Model"), ("format", "SafeTensor"))
    ),
    "urn:air:sdxl:lora:civitai:12@34": CivitaiLink(12, 34),
    "urn:air:sd1:model:civitai:12@34+56": CivitaiLink(12, 34, file_id=56),
    "urn:air:sd1:checkpoint:civitai:12@34.safetensors": CivitaiLink(12, 34),
    "air:sdxl:lora:civitai:12@34": CivitaiLink(12, 34),
    "civitai:12@34": CivitaiLink(12, 34),
    "civitai:12": CivitaiLink(12),
    "hash:ABCDEF0123": CivitaiLink(hash="abcdef0123"),
    "a" * 64: CivitaiLink(hash="a" * 64),
    "urn:air:sdxl:vae:huggingface:ann/vae/s/v.pt": HuggingFaceLink("ann/vae", "main", "s/v.pt"),
    "urn:air:sdxl:model:huggingface:ann/vae@fp16": HuggingFaceLink("ann/vae", "fp16"),
    "https://huggingface.co/ann/vae": HuggingFaceLink("ann/vae"),
    "https://huggingface.co/ann/vae/tree/main": HuggingFaceLink("ann/vae"),
    "https://huggingface.co/ann/vae/tree/refs%2Fpr%2F1/sub": HuggingFaceLink("ann/vae", "refs/pr/1", "sub/"),
    "https://huggingface.co/ann/vae/blob/main/a%20b.pt": HuggingFaceLink("ann/vae", "main", "a b.pt"),
    "https://huggingface.co/ann/vae/resolve/v2/s/v.pt?x=y": HuggingFaceLink("ann/vae", "v2", "s/v.pt"),
    "hf.co/ann/vae": HuggingFaceLink("ann/vae"),
    "https://example.org/y/releases/download/v1/4x.pth": WebLink("https://example.org/y/releases/download/v1/4x.pth"),
}  # fmt: skip
NOT_UNDERSTOOD = [
    "", "hello", "two words", "https://civitai.com/", "https://civitai.com/images/12", "https://civitai.com/user/ann",
    "ftp://a/b.pt", "file:///etc/passwd", "https://example.org/page", "https://ann:red@example.org/a.pt",
    "http://example.org/a.safetensors", "https://huggingface.co/datasets/ann/d", "https://huggingface.co/ann",
    "civitai:x@1", "civitai:1@x", "abcdef", "a" * 5000, "https://[::1/a.pt", "urn:air:a:b:huggingface:ann",
]  # fmt: skip


@pytest.mark.parametrize(("text", "link"), UNDERSTOOD.items(), ids=list(UNDERSTOOD))
def test_a_link_is_understood(text, link):
    assert parse_link(f"  {text}\n", SITES) == link


@pytest.mark.parametrize("link", UNDERSTOOD.values(), ids=list(UNDERSTOOD))
def test_a_link_that_was_kept_means_the_same_again(link):
    assert parse_link(link.text, SITES) == link


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_anything_else_is_refused_with_what_can_be_given(text):
    with pytest.raises(FetchRefused) as caught:
        parse_link(text, SITES)
    assert caught.value.cause == "not a link"
    assert "Give" in str(caught.value)


def test_a_key_in_a_link_is_dropped():
    link = parse_link("https://civitai.com/api/download/models/34?token=SECRET", SITES)
    assert "SECRET" not in repr(link) + link.text


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text):
    try:
        parse_link(text, SITES)
    except FetchRefused as error:
        assert error.cause == "not a link"
