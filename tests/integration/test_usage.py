"""What clients were told that they used, and what `polychat usage` says: the same, through every API."""

from collections.abc import Iterator

import anthropic
import httpx
import ollama
import openai
import pytest
from openai.types import CompletionUsage
from openai.types.responses import ResponseUsage

from polychat.gateway.answers import Usage
from tests.support.postgresql import running_server
from tests.support.processes import wait_until
from tests.support.usage_site import Book, Service, sdk, service

MINI = "polychat-mini"
MODELS = ("echo", MINI)
HI: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "What is polychat?"}]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('db')}/test.db"
    else:
        with running_server() as url:
            yield url


@pytest.fixture(scope="module")
def site(db: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(str(tmp_path_factory.mktemp("home")), db) as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        site.start_worker("builtin")
        yield site


@pytest.fixture(scope="module")
def url(site: Service) -> str:
    return site.start_api(*MODELS)[1]


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with sdk(url) as client:
        yield client


@pytest.fixture
def book(site: Service) -> Iterator[Book]:
    """Goes on from what the account says now, and must agree with it at the test's end."""
    book = site.book()
    yield book
    site.until_book_is(book)


def of(used: CompletionUsage | None) -> Usage:
    assert used is not None
    return Usage(used.prompt_tokens, used.completion_tokens)


def of_response(used: ResponseUsage | None) -> Usage:
    assert used is not None
    return Usage(used.input_tokens, used.output_tokens)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("num", [1, 2, 9])  # 9: more than the engine has slots
def test_chats_are_counted_streamed_or_not(client: openai.OpenAI, book: Book, model: str, num: int) -> None:
    chats = client.chat.completions
    whole = of(chats.create(model=model, messages=HI, n=num, temperature=0, max_tokens=20).usage)
    asking = chats.create(
        model=model,
        messages=HI,
        n=num,
        temperature=0,
        max_tokens=20,
        stream=True,
        stream_options={"include_usage": True},
    )
    told = of(list(asking)[-1].usage)
    silent = list(chats.create(model=model, messages=HI, n=num, temperature=0, max_tokens=20, stream=True))
    assert told == whole
    assert all(chunk.usage is None and chunk.choices for chunk in silent)
    book.add(whole, times=3)


@pytest.mark.parametrize("model", MODELS)
def test_completions_are_counted_streamed_or_not(client: openai.OpenAI, book: Book, model: str) -> None:
    texts = client.completions
    whole = of(texts.create(model=model, prompt="Once", temperature=0, max_tokens=7).usage)
    silent = list(texts.create(model=model, prompt="Once", temperature=0, max_tokens=7, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)
    book.add(whole, times=2)


def test_embeddings_are_counted(client: openai.OpenAI, book: Book) -> None:
    made = client.embeddings.create(model="echo", input=["one two", "three"])
    book.add(Usage(made.usage.prompt_tokens, 0))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/rerank", {"query": "one", "documents": ["two", "three four"]}),
        ("/v1/score", {"text_1": "one", "text_2": ["two", "three four"]}),
        ("/v1/classify", {"input": ["one", "two three"]}),
    ],
)
def test_what_only_reads_is_counted(url: str, book: Book, path: str, fields: dict[str, object]) -> None:
    answer = httpx.post(f"{url}{path}", json={"model": "echo", **fields}, trust_env=False).json()
    book.add(Usage(answer["usage"]["prompt_tokens"], 0))


@pytest.mark.parametrize("model", MODELS)
def test_responses_are_counted(client: openai.OpenAI, book: Book, model: str) -> None:
    responses = client.responses
    whole = responses.create(model=model, input="What is polychat?", temperature=0, max_output_tokens=20)
    book.add(of_response(whole.usage))
    *_, last = responses.create(model=model, input="Who?", temperature=0, max_output_tokens=20, stream=True)
    assert last.type in ("response.completed", "response.incomplete")
    book.add(of_response(last.response.usage))


@pytest.mark.parametrize("model", MODELS)
def test_messages_are_counted(url: str, book: Book, model: str) -> None:
    question: list[anthropic.types.MessageParam] = [{"role": "user", "content": "What is polychat?"}]
    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
        whole = client.messages.create(model=model, messages=question, max_tokens=20)
        with client.messages.stream(model=model, messages=question, max_tokens=20) as stream:
            streamed = stream.get_final_message()
    for used in (whole.usage, streamed.usage):
        book.add(Usage(used.input_tokens + (used.cache_read_input_tokens or 0), used.output_tokens))


@pytest.mark.parametrize("model", MODELS)
def test_ollamas_chats_are_counted(url: str, book: Book, model: str) -> None:
    question = [ollama.Message(role="user", content="What is polychat?")]
    with ollama.Client(url) as client:
        whole = client.chat(model, question, options={"num_predict": 20})
        *_, last = client.chat(model, question, options={"num_predict": 20}, stream=True)
    for told in (whole, last):
        book.add(Usage(told.prompt_eval_count or 0, told.eval_count or 0))


def test_who_leaves_pays_for_what_was_made(client: openai.OpenAI, site: Service) -> None:
    leaving = client.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "word " * 20_000}], stream=True
    )
    next(iter(leaving))
    leaving.close()

    def is_noted() -> bool:
        rows = [row for row in site.rows("outcome") if row["outcome"] == "cancelled"]
        return bool(rows) and rows[0]["prompt_tokens"] > 20_000 and rows[0]["completion_tokens"] > 0

    wait_until(is_noted, what="a cancelled request in the account")


def test_a_model_that_there_is_not_is_refused_and_noted_without_its_name(
    client: openai.OpenAI, site: Service
) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-17", messages=HI)

    def is_noted() -> bool:
        return any(row["model"] == "" and row["refused"] == 1 for row in site.rows("model"))

    wait_until(is_noted, what="a refused request in the account")
