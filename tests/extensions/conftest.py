"""Runs as those of the pipelines' tests."""

from tests.pipelines.conftest import context, models  # noqa: F401 - fixtures
