"""Score an OpenAI-compatible endpoint that serves polychat-mini, skill by skill.

    python evaluate.py http://127.0.0.1:8000/v1 [--count 100] [--show 3] [--held] [--temperature 1]

Everything asked is drawn with a fixed seed from the `test` split, whose phrasings, invented
names and tools neither the training nor its dev scores ever used. Of a conversation only the
last answer is scored; earlier turns are given. `wild.py` adds hand-written questions.
"""

import argparse
import collections
import json
import random
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
from corpus.json_answers import simple_sample
from corpus.mix import WEIGHTS, sample
from corpus.sample import Call, JsonObject, Sample, messages, schema
from corpus.words import listed
from wild import QUESTIONS, Question

SEED = 4242
MAX_TOKENS = 200
NOT_DRAWN = ("raw", "long")  # a closed set of prompts; chats that can outgrow the context
HELD = ("json", "forced")  # by a grammar: scored by ending and parsing, not by the words
STORY_WORDS = frozenset(listed("Once Can Let The One Then They In At From"))


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    calls: tuple[Call, ...] = ()
    has_ended: bool = True  # by itself, not at max_tokens


@dataclass(frozen=True, slots=True)
class Outcome:
    skill: str
    is_exact: bool
    is_close: bool  # exact but for case, punctuation and spaces
    question: str
    expected: str
    got: str


class Endpoint:
    """One server; every request is greedy unless a temperature is given."""

    def __init__(self, base_url: str, model: str, api_key: str, temperature: float = 0) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=base_url.rstrip("/"), headers=headers, timeout=300)
        self._model, self._temperature = model, temperature

    def first_model(self) -> None:
        if not self._model:
            self._model = str(self._http.get("/models").raise_for_status().json()["data"][0]["id"])

    def chat(
        self, turns: Sequence[JsonObject], tools: Sequence[JsonObject], forced: JsonObject | None = None
    ) -> Reply:
        body: JsonObject = {"messages": list(turns)} | (forced or {})
        if tools:
            body["tools"] = list(tools)
        try:
            choice = self._post("/chat/completions", body)
        except httpx.HTTPStatusError as exc:  # a wrong answer: the prompt may be longer than the context
            return Reply(exc.response.text)
        message = choice["message"]
        assert isinstance(message, dict)
        calls = tuple(_call(call["function"]) for call in message.get("tool_calls") or [])
        return Reply(message.get("content") or "", calls, choice["finish_reason"] != "length")

    def complete(self, prompt: str) -> Reply:
        return Reply(str(self._post("/completions", {"prompt": prompt})["text"]))

    def _post(self, path: str, body: JsonObject) -> dict[str, object]:
        fixed: JsonObject = {
            "model": self._model,
            "temperature": self._temperature,
            "seed": SEED,
            "max_tokens": MAX_TOKENS,
        }
        response = self._http.post(path, json=body | fixed)
        choice: dict[str, object] = response.raise_for_status().json()["choices"][0]
        return choice


def _call(function: dict[str, str]) -> Call:
    try:
        return Call(function["name"], json.loads(function["arguments"]))
    except json.JSONDecodeError:  # cut off by max_tokens: a wrong answer, not a broken evaluation
        return Call(function["name"], {"unfinished": function["arguments"]})


def close(text: str) -> str:
    return re.sub(r"[\s.!?]+", " ", text.lower()).strip()


def is_coherent_story(text: str) -> bool:
    """It ends, is long enough, and names nobody but the two it introduced."""
    names = re.findall(r"named (\w+)", text)
    inside = re.findall(r"(?<=[a-z,] )([A-Z]\w+)", text)
    strangers = set(inside) - set(names) - STORY_WORDS
    return len(names) == 2 and not strangers and text.rstrip().endswith("The end.") and text.count(".") >= 7


def score(endpoint: Endpoint, drawn: Sample) -> Outcome:
    if not drawn.turns:
        got = endpoint.complete(drawn.prompt).text
        ok = (
            is_coherent_story(drawn.prompt + got)
            if drawn.skill == "tale"
            else close(got) == close(drawn.completion)
        )
        return Outcome(drawn.skill, ok, ok, drawn.prompt, drawn.completion, got)
    if drawn.answer_schema or drawn.skill == "forced":
        return score_held(endpoint, drawn)
    *given, last = drawn.turns
    reply = endpoint.chat(messages(given), [schema(tool) for tool in drawn.tools])
    question = given[-1].content
    if last.calls:
        ok, named = reply.calls == last.calls, [c.name for c in reply.calls] == [last.calls[0].name]
        return Outcome(drawn.skill, ok, named, question, str(last.calls[0]), str(reply.calls or reply.text))
    ok = reply.text == last.content and not reply.calls
    near = close(reply.text) == close(last.content) and not reply.calls
    return Outcome(drawn.skill, ok, near, question, last.content, reply.text or str(reply.calls))


def score_held(endpoint: Endpoint, drawn: Sample) -> Outcome:
    """Exact: it ends by itself and parses. Close: the values are the expected ones too."""
    *given, last = drawn.turns
    tools = [schema(tool) for tool in drawn.tools]
    reply = endpoint.chat(messages(given), tools, held_by(drawn.answer_schema))
    if drawn.answer_schema:
        value = parsed(reply.text)
        ok, right = value is not None, value == parsed(last.content)
    else:
        ok = bool(reply.calls) and all("unfinished" not in call.arguments for call in reply.calls)
        right = any(call.arguments == last.calls[0].arguments for call in reply.calls)
    shown = reply.text + "".join(str(call) for call in reply.calls)
    expected = last.content if drawn.answer_schema else str(last.calls[0])
    ok = ok and reply.has_ended
    return Outcome(drawn.skill, ok, ok and right, given[-1].content, expected, shown)


def held_by(answer_schema: JsonObject | None) -> JsonObject:
    """What makes the server hold the answer by a grammar."""
    if answer_schema is None:
        return {"tool_choice": "required"}
    if "properties" not in answer_schema:
        return {"response_format": {"type": "json_object"}}
    body: JsonObject = {"name": "answer", "strict": True, "schema": answer_schema}
    return {"response_format": {"type": "json_schema", "json_schema": body}}


def parsed(text: str) -> object:
    """The JSON value of `text`; None when it has none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def score_wild(endpoint: Endpoint, question: Question) -> Outcome:
    text = question.turns[-1].content
    if question.raw:
        reply = endpoint.complete(text)
    else:
        reply = endpoint.chat(messages(question.turns), [schema(tool) for tool in question.tools])
    if isinstance(question.expected, Call):
        ok = reply.calls == (question.expected,)
    else:
        wanted = question.expected
        ok = (
            wanted in reply.text if wanted.isupper() else wanted.lower() in reply.text.lower()
        ) and not reply.calls
    return Outcome(
        f"wild/{question.skill}", ok, ok, text, str(question.expected), reply.text or str(reply.calls)
    )


def report(outcomes: Sequence[Outcome], num_shown: int) -> float:
    """Print one line per skill and its first failures. The mean over the kinds in `outcomes` is returned."""
    groups: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        groups[outcome.skill].append(outcome)
    shares = []
    for skill, group in groups.items():
        shares.append(sum(o.is_exact for o in group) / len(group))
        near = sum(o.is_close for o in group) / len(group)
        print(f"{skill:18s} n {len(group):3d}  exact {shares[-1]:.3f}  close {near:.3f}")
        for o in [o for o in group if not o.is_exact][:num_shown]:
            print(
                f"    {o.question[-160:]!r}\n      wanted {o.expected[:160]!r}\n      got    {o.got[:160]!r}"
            )
    return sum(shares) / len(shares)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base_url", help="with /v1")
    parser.add_argument("--model", default="", help="the first one of /v1/models when left out")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--count", type=int, default=100, help="samples per skill")
    parser.add_argument("--show", type=int, default=0, help="failures to print per skill")
    parser.add_argument("--temperature", type=float, default=0)
    parser.add_argument("--held", action="store_true", help="only answers that a grammar holds")
    args = parser.parse_args()
    endpoint = Endpoint(args.base_url, args.model, args.api_key, args.temperature)
    endpoint.first_model()
    if not args.held:
        report_free(endpoint, args.count, args.show)
    report_held(endpoint, args.count, args.show)


def report_free(endpoint: Endpoint, count: int, num_shown: int) -> None:
    """The skills that the card's mean is over, and the hand-written questions."""
    rng, means = random.Random(SEED), []
    with ThreadPoolExecutor(4) as pool:
        for skill in [skill for skill in WEIGHTS if skill not in (*NOT_DRAWN, *HELD)]:
            drawn = [sample(rng, skill, "test") for _ in range(count)]
            means.append(report(list(pool.map(lambda s: score(endpoint, s), drawn)), num_shown))
        wild = list(pool.map(lambda q: score_wild(endpoint, q), QUESTIONS))
    report(wild, num_shown)
    right = sum(o.is_exact for o in wild)
    print(f"mean of the skills {sum(means) / len(means):.3f}   wild {right} of {len(wild)}")


def report_held(endpoint: Endpoint, count: int, num_shown: int) -> None:
    """Answers under random schemas, forced calls, and facts taken out of plain sentences."""
    rng = random.Random(SEED)
    drawn = [sample(rng, skill, "test") for skill in HELD for _ in range(count)]
    drawn += [simple_sample(rng, "test") for _ in range(count)]
    with ThreadPoolExecutor(4) as pool:
        report(list(pool.map(lambda s: score(endpoint, s), drawn)), num_shown)


if __name__ == "__main__":
    main()
