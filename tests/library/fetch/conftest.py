"""Sites on this machine."""

from collections.abc import Iterator

import pytest

from tests.fake_sites import FakeSites


@pytest.fixture
def fake() -> Iterator[FakeSites]:
    """Civitai and Hugging Face, empty."""
    with FakeSites() as sites:
        yield sites
