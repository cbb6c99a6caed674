"""One trace from the client through the gateway to the engine, as a collector receives it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from queue import Queue

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.fake_engine import FakeEngine, announced, answer, replica_at
from tests.support.gateway_site import CHAT, Site, start_api
from tests.support.processes import RoleProcess, free_port

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ANSWER = answer(b'{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}')


@pytest.fixture
def collector() -> Iterator[tuple[str, "Queue[Span]"]]:
    """Where spans arrive."""
    received: Queue[Span] = Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        received.put(span)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def controller() -> Iterator[str]:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as process:
        process.wait_until_answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"


async def asked(controller: str, *flags: str) -> dict[str, str]:
    """The headers that an engine gets of a request that came with a traceparent."""
    with ExitStack() as stack:
        api, url = start_api(controller, *flags)
        stack.enter_context(api)
        async with FakeEngine(ANSWER) as engine, announced(controller, replica_at(engine.url)):
            await Site(controller, url).until(replicas=1)
            async with httpx.AsyncClient(trust_env=False) as http:
                headers = {"traceparent": TRACEPARENT}
                answered = await http.post(f"{url}/v1/chat/completions", json=CHAT, headers=headers)
            assert answered.status_code == 200
            return engine.received[0].headers


async def test_a_request_is_a_span_between_its_clients_and_its_engines(
    controller: str, collector: tuple[str, "Queue[Span]"]
) -> None:
    endpoint, received = collector
    headers = await asked(controller, "--otlp-endpoint", endpoint)
    span = received.get(timeout=15)
    facts = {each.key: each.value for each in span.attributes}
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert headers["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert span.name == "chat fake"
    assert facts["gen_ai.usage.output_tokens"].int_value == 4
    assert facts["polychat.outcome"].string_value == "answered"


async def test_without_a_collector_the_clients_trace_goes_on_to_the_engine(controller: str) -> None:
    assert (await asked(controller))["traceparent"] == TRACEPARENT
