"""Prometheus metrics of a process: a registry with what every role tells, and its text."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from polychat import __version__

CONTENT_TYPE = CONTENT_TYPE_LATEST


def registry(role: str) -> CollectorRegistry:
    """A registry that knows the version, the role, and the process's memory, CPU and open files."""
    # A second series for each counter, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    Info("polychat_build", "Version and role of this process.", registry=made).info(
        {"version": __version__, "role": role}
    )
    return made


def text(metrics: CollectorRegistry) -> bytes:
    """What Prometheus reads."""
    return generate_latest(metrics)


def serve(metrics: CollectorRegistry, host: str, port: int) -> None:
    """Answer at /metrics of a port of its own, in a thread, until the process ends.

    Raises:
        OSError: the port is taken.
    """
    from prometheus_client import start_http_server

    start_http_server(port, addr=host, registry=metrics)
