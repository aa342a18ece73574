"""What became of A1111's extensions, for the tab Extensions."""

from webui.compat.a1111.health import ExtensionHealth
from webui.compat.a1111.host import current
from webui.plugins.health_report import HealthReport, ReportedFailure
from webui.plugins.specs import hookimpl


@hookimpl
def report_health() -> list[HealthReport]:
    """A report on each community extension."""
    return [describe_health(each) for each in current().health.all]


def describe_health(health: ExtensionHealth) -> HealthReport:
    """As the page shows it."""
    return HealthReport(
        name=health.name,
        seconds={where: round(seconds, 4) for where, seconds in dict(health.seconds).items()},
        runs=dict(health.runs),
        failures=[
            ReportedFailure(where=each.where, error=each.error, trace=each.trace)
            for each in tuple(health.failures)
        ],
        missing=sorted(health.missing),
        dropped=sorted(health.dropped),
        size_bytes=health.size_bytes,
    )
