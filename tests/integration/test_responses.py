"""The Responses API as the official SDK uses it: the built-in model, echo, and a gateway that restarts."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import openai
import pytest
from openai.types.responses import (
    FunctionToolParam,
    Response,
    ResponseFunctionToolCall,
    ResponseInputParam,
)
from pydantic import BaseModel

from tests.support.processes import RoleProcess, answers, free_ports, get_json, wait_until

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
KEYS = {"POLYCHAT_API_KEYS": "ann,bob"}
SLOW = ("worker", "--engine", "echo", "--model-names", "slow", "--echo-tokens-per-s", "5")
LONG = "word " * 300


@dataclass
class Service:
    home: Path
    controller_port: int
    api_port: int
    api_stack: ExitStack = field(default_factory=ExitStack)

    def stop_api(self) -> None:
        self.api_stack.close()

    def start_api(self) -> None:
        flags = ("--port", str(self.api_port), "--controller", self.controller_url, "--drain-timeout", "0")
        api = RoleProcess("api", *flags, env={"POLYCHAT_HOME": str(self.home), **KEYS})
        self.api = self.api_stack.enter_context(api)
        self.api.wait_until_answers(f"{self.url}/health")
        for model in ("polychat-mini", "slow"):
            wait_until(lambda model=model: answers(f"{self.url}/v1/models/{model}", api_key="ann"))  # type: ignore[misc]

    @property
    def controller_url(self) -> str:
        return f"http://127.0.0.1:{self.controller_port}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def sdk(self, key: str = "ann") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=30)

    def running(self) -> int:
        replicas = get_json(f"{self.controller_url}/replicas")
        assert isinstance(replicas, list)
        return sum(replica["load"]["running"] for replica in replicas)

    def let_time_pass(self, seconds: float) -> None:
        """Make every stored response look as if it had been touched that much earlier."""
        with closing(sqlite3.connect(self.home / "polychat.db")) as connection, connection:
            connection.execute("UPDATE responses SET updated_at = updated_at - ?", (seconds,))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    controller, api, *ports = free_ports(4)
    service = Service(tmp_path_factory.mktemp("home"), controller, api)
    with RoleProcess("controller", "--port", str(controller)) as process:
        process.wait_until_answers(f"{service.controller_url}/health")
        place = ("--controller", service.controller_url)
        with (
            RoleProcess("worker", "builtin", "--port", str(ports[0]), *place),
            RoleProcess(*SLOW, "--port", str(ports[1]), *place),
        ):
            service.start_api()
            yield service
            assert "bug" not in service.api.output
            service.stop_api()


@pytest.fixture
def sdk(service: Service) -> Iterator[openai.OpenAI]:
    with service.sdk() as sdk:
        yield sdk


def hello(sdk: openai.OpenAI) -> Response:
    return sdk.responses.create(model="polychat-mini", input="Hello!", temperature=0)


def finished(sdk: openai.OpenAI, id_: str) -> Response:
    """The background response once it has come to its end."""

    def look() -> Response | None:
        response = sdk.responses.retrieve(id_)
        return None if response.status in ("queued", "in_progress") else response

    response = wait_until(look)
    assert response is not None
    return response


def test_a_response_is_made_and_kept(sdk: openai.OpenAI) -> None:
    made = hello(sdk)
    assert (made.status, made.object, made.id[:5]) == ("completed", "response", "resp_")
    assert "Hello" in made.output_text
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 2
    assert sdk.responses.retrieve(made.id) == made


def test_a_stream_ends_in_the_response_that_is_then_kept(sdk: openai.OpenAI) -> None:
    with sdk.responses.stream(model="polychat-mini", input="Hello!", temperature=0) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == final.output_text
    assert final.output_text == hello(sdk).output_text
    assert sdk.responses.retrieve(final.id).output_text == final.output_text


def test_whoever_has_seen_the_last_event_can_retrieve_at_once(sdk: openai.OpenAI) -> None:
    for event in sdk.responses.create(model="polychat-mini", input="Hello!", stream=True):
        if event.type == "response.completed":
            assert sdk.responses.retrieve(event.response.id).to_dict() == event.response.to_dict()
            return
    pytest.fail("there was no last event")


class Sky(BaseModel):
    city: Literal["Paris", "Rome"]
    is_sunny: bool


def test_a_pydantic_model_is_filled(sdk: openai.OpenAI) -> None:
    parsed = sdk.responses.parse(
        model="polychat-mini", input="Paris?", text_format=Sky, max_output_tokens=200
    )
    assert isinstance(parsed.output_parsed, Sky)


def test_a_tool_loop_of_three_turns_needs_only_the_last_id(sdk: openai.OpenAI) -> None:
    previous: str | None = None
    said: ResponseInputParam = [{"role": "user", "content": "What is the weather in Paris?"}]
    for _ in range(3):
        response = sdk.responses.create(
            model="polychat-mini",
            input=said,
            tools=[WEATHER],
            tool_choice={"type": "function", "name": "get_weather"},
            previous_response_id=previous,
            max_output_tokens=200,
        )
        (call,) = (item for item in response.output if isinstance(item, ResponseFunctionToolCall))
        previous = response.id
        said = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
            {"role": "user", "content": "And in Rome?"},
        ]
    last = sdk.responses.create(model="polychat-mini", input=said, previous_response_id=previous)
    assert last.output_text
    assert last.usage is not None
    assert last.usage.input_tokens > 50  # all turns were read


def test_what_was_said_before_is_read_again_but_earlier_instructions_are_not(sdk: openai.OpenAI) -> None:
    def tokens(previous: str | None) -> int:
        usage = sdk.responses.create(
            model="polychat-mini", input="Hello!", previous_response_id=previous, max_output_tokens=1
        ).usage
        assert usage is not None
        return usage.input_tokens

    instructed = sdk.responses.create(
        model="polychat-mini", input="Hello!", instructions=LONG, max_output_tokens=1
    )
    assert tokens(None) < tokens(instructed.id) < 100


def test_input_items_are_listed_newest_first_in_pages(sdk: openai.OpenAI) -> None:
    texts = ["a", "b", "c"]
    made = sdk.responses.create(
        model="polychat-mini", input=[{"role": "user", "content": text} for text in texts]
    )
    page = sdk.responses.input_items.list(made.id, limit=2)
    assert page.has_more
    items = list(page)  # the SDK asks for the next pages itself
    said = [item.to_dict()["content"] for item in items]
    assert said == [[{"type": "input_text", "text": text}] for text in reversed(texts)]
    oldest = sdk.responses.input_items.list(made.id, order="asc", limit=1).data[0]
    assert oldest.id == items[-1].id


def test_an_item_can_be_named_by_its_id(sdk: openai.OpenAI) -> None:
    made = hello(sdk)
    reference = {"type": "item_reference", "id": made.output[0].id}
    again = sdk.responses.create(
        model="polychat-mini",
        input=[reference, {"role": "user", "content": "Hello!"}],  # type: ignore[list-item]
    )
    assert sdk.responses.input_items.list(again.id, order="asc").data[0].to_dict() == made.output[0].to_dict()


def test_what_is_deleted_is_gone(sdk: openai.OpenAI) -> None:
    made = hello(sdk)
    sdk.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match=made.id):
        sdk.responses.retrieve(made.id)


def test_what_is_not_to_be_stored_is_not(sdk: openai.OpenAI) -> None:
    made = sdk.responses.create(model="polychat-mini", input="Hello!", store=False)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(made.id)


def test_another_key_sees_nothing_of_it(service: Service, sdk: openai.OpenAI) -> None:
    made = hello(sdk)
    with service.sdk("bob") as bob:
        for attempt in (bob.responses.retrieve, bob.responses.delete, bob.responses.cancel):
            with pytest.raises(openai.NotFoundError):
                attempt(made.id)
        with pytest.raises(openai.NotFoundError) as caught:
            bob.responses.create(model="polychat-mini", input="Go on.", previous_response_id=made.id)
    assert (caught.value.param, caught.value.code) == ("previous_response_id", "previous_response_not_found")
    assert sdk.responses.retrieve(made.id) == made


def test_a_background_response_is_fetched_later(sdk: openai.OpenAI) -> None:
    made = sdk.responses.create(model="polychat-mini", input="Hello!", background=True)
    assert (made.status, made.output) == ("queued", [])
    response = finished(sdk, made.id)
    assert response.status == "completed"
    assert "Hello" in response.output_text


def test_whoever_stops_watching_does_not_end_it(service: Service, sdk: openai.OpenAI) -> None:
    with sdk.responses.create(model="slow", input="a b c", background=True, stream=True) as stream:
        first = next(iter(stream))
    assert first.type == "response.created"
    assert finished(sdk, first.response.id).status == "completed"


def test_a_background_response_can_be_watched_too(sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="polychat-mini", input="Hello!", background=True, stream=True)
    events = list(stream)
    assert [event.type for event in events][:3] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert events[-1].type == "response.completed"


def test_cancelling_stops_the_engine(service: Service, sdk: openai.OpenAI) -> None:
    made = sdk.responses.create(model="slow", input=LONG, background=True)
    wait_until(service.running)
    assert sdk.responses.cancel(made.id).status == "cancelled"
    wait_until(lambda: not service.running())
    assert sdk.responses.retrieve(made.id).status == sdk.responses.cancel(made.id).status == "cancelled"


def test_only_background_responses_are_cancelled(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="background"):
        sdk.responses.cancel(hello(sdk).id)


def test_whoever_leaves_a_stream_ends_it_and_nothing_is_kept(service: Service, sdk: openai.OpenAI) -> None:
    with sdk.responses.create(model="slow", input=LONG, stream=True) as stream:
        first = next(iter(stream))
    wait_until(lambda: not service.running())
    assert first.type == "response.created"
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(first.response.id)


def test_too_long_a_conversation_is_refused_or_truncated(sdk: openai.OpenAI) -> None:
    said: ResponseInputParam = [{"role": "user", "content": LONG} for _ in range(12)]
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model="polychat-mini", input=said)
    assert (caught.value.param, caught.value.code) == ("input", "context_length_exceeded")
    made = sdk.responses.create(model="polychat-mini", input=said, truncation="auto", max_output_tokens=5)
    assert made.status in ("completed", "incomplete")


def test_each_error_has_its_type_and_names_the_field(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.responses.create(model="nobody", input="Hello!")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model="nobody", input="Hello!", background=True)
    with pytest.raises(openai.BadRequestError) as hosted:
        sdk.responses.create(model="polychat-mini", input="Hello!", tools=[{"type": "web_search"}])
    assert hosted.value.param == "tools[0].type"


def test_a_restart_keeps_responses_and_gives_up_what_was_running(
    service: Service, sdk: openai.OpenAI
) -> None:
    made = hello(sdk)
    running = sdk.responses.create(model="slow", input=LONG, background=True)
    service.stop_api()
    service.start_api()
    assert sdk.responses.retrieve(made.id) == made
    lost = sdk.responses.retrieve(running.id)
    assert lost.status == "failed"
    assert lost.error is not None
    assert "stopped" in lost.error.message


def test_what_a_killed_gateway_was_doing_has_failed(service: Service, sdk: openai.OpenAI) -> None:
    running = sdk.responses.create(model="slow", input=LONG, background=True)
    service.api.kill()
    service.stop_api()
    service.start_api()
    assert sdk.responses.retrieve(running.id).status == "in_progress"
    service.let_time_pass(60)
    lost = sdk.responses.retrieve(running.id)
    assert lost.status == "failed"
    assert lost.error is not None
    assert "has ended" in lost.error.message
