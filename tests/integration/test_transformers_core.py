"""The core of the transformers engine on real models: the same text as the library's own `generate`."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedModel

from polychat.engines.transformers.core.adapters import Adapters
from polychat.engines.transformers.core.batched import Batched
from polychat.engines.transformers.core.budget import Budget
from polychat.engines.transformers.core.generating import TextGenerator, Vocabulary
from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.core.prompts import read_prompt
from polychat.engines.transformers.job import (
    GenerationFailed,
    Generator,
    Grammar,
    GrammarRefused,
    Job,
    PromptLogprobs,
    Sampling,
    Token,
)
from tests.support import torch_models
from tests.support.polling import eventually

GREEDY = Sampling(temperature=0)
VOCABULARY = 2271
PROMPTS = [tuple(range(5 + 3 * i, 40 + 7 * i)) for i in range(8)]


async def tokens_of(generator: Generator, job: Job) -> list[Token]:
    return [item async for item in generator.submit(job) if isinstance(item, Token)]


async def ids_of(generator: Generator, prompt: Sequence[int], num: int = 20, **more: object) -> list[int]:
    job = Job(tuple(prompt), num, **({"ignore_eos": True, "sampling": GREEDY} | more))  # type: ignore[arg-type]
    return [token.id for token in await tokens_of(generator, job)]


def reference(model: PreTrainedModel, prompt: Sequence[int], num: int = 20) -> list[int]:
    """What the library's own `generate` says."""
    ids = torch.tensor([prompt])
    settings = {"do_sample": False, "max_new_tokens": num, "eos_token_id": None, "pad_token_id": 0}
    output: list[int] = model.generate(ids, attention_mask=torch.ones_like(ids), **settings)[0].tolist()
    return output[1:] if model.config.is_encoder_decoder else output[len(prompt) :]


async def until(claim: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    async def claimed() -> bool:
        return claim()

    await eventually(claimed, timeout_s=timeout_s)


def plain_builtin() -> PreTrainedModel:
    torch.set_num_threads(1)
    folder, file = torch_models.BUILTIN.folder, torch_models.BUILTIN.gguf_file
    return AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return plain_builtin()


@pytest.fixture(scope="module")
def decode() -> Callable[[Sequence[int]], str]:
    folder, file = torch_models.BUILTIN.folder, torch_models.BUILTIN.gguf_file
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    return lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True))


@pytest.fixture
async def builtin() -> AsyncIterator[Generator]:
    opened = await asyncio.to_thread(open_model, torch_models.BUILTIN)
    assert opened.generator is not None
    yield opened.generator
    await opened.generator.stop()


@pytest.fixture
async def crowded() -> AsyncIterator[TextGenerator]:
    """The built-in model with a KV cache of 320 tokens for eight requests of up to 256."""
    made = plain_builtin()
    adapters = Adapters(made)
    plan = Budget(slots=8, context_length=256, num_pages=10, batch_tokens=64)
    runner = await asyncio.to_thread(lambda: Batched(made, plan, adapters, shares_prefixes=True))
    generator = TextGenerator(
        runner,
        adapters,
        vocabulary=Vocabulary(VOCABULARY, frozenset({2264}), grammars=None),
        read_prompt=lambda job: read_prompt(made, adapters, job),
    )
    yield generator
    await generator.stop()


async def test_greedy_text_is_generates_own_alone_and_in_a_batch(
    builtin: Generator, model: PreTrainedModel
) -> None:
    expected = [reference(model, prompt, 40) for prompt in PROMPTS]
    together = await asyncio.gather(*(ids_of(builtin, prompt, 40) for prompt in PROMPTS))
    alone = [await ids_of(builtin, prompt, 40) for prompt in PROMPTS[:3]]
    assert together == expected
    assert alone == expected[:3]


@pytest.mark.parametrize("name", torch_models.MODELS)
async def test_every_kind_of_architecture_says_what_generate_says(name: str, tmp_path: Path) -> None:
    settings = torch_models.write(tmp_path, name)
    opened = await asyncio.to_thread(open_model, settings)
    assert opened.generator is not None
    texts = await asyncio.gather(*(ids_of(opened.generator, prompt) for prompt in PROMPTS[:4]))
    await opened.generator.stop()
    auto = AutoModelForSeq2SeqLM if name == "t5" else AutoModelForCausalLM
    plain = auto.from_pretrained(tmp_path)
    assert texts == [reference(plain, prompt) for prompt in PROMPTS[:4]]
    assert ("one request at a time" in opened.description) == (name in ("mamba", "t5"))


async def test_a_seed_gives_one_text_whatever_else_is_in_the_batch(builtin: Generator) -> None:
    seeded = Sampling(seed=7, top_p=0.9)
    alone = await ids_of(builtin, PROMPTS[0], sampling=seeded)
    others = [ids_of(builtin, prompt, sampling=Sampling()) for prompt in PROMPTS]
    again, *_ = await asyncio.gather(ids_of(builtin, PROMPTS[0], sampling=seeded), *others)
    assert again == alone
    assert await ids_of(builtin, PROMPTS[0], sampling=Sampling(seed=8, top_p=0.9)) != alone


async def test_logprobs_are_those_of_a_plain_forward_pass(builtin: Generator, model: PreTrainedModel) -> None:
    job = Job(PROMPTS[0], 5, sampling=Sampling(seed=1), num_logprobs=3, prompt_logprobs=True, ignore_eos=True)
    items = [item async for item in builtin.submit(job)]
    first, tokens = items[0], [item for item in items if isinstance(item, Token)]
    assert isinstance(first, PromptLogprobs)
    told = [*first.tokens, *tokens]
    with torch.no_grad():
        expected = model(torch.tensor([[token.id for token in told]])).logits[0].log_softmax(-1)
    assert told[0].logprob is None
    for place, token in enumerate(told[1:]):
        assert token.logprob == pytest.approx(float(expected[place, token.id]), abs=1e-3)
        assert [value for _, value in token.top] == pytest.approx(
            expected[place].topk(3).values.tolist(), abs=1e-3
        )


async def test_the_last_token_says_why_it_is_the_last(builtin: Generator, model: PreTrainedModel) -> None:
    expected = reference(model, PROMPTS[0], 10)
    stop = expected[4]
    by_length = await tokens_of(builtin, Job(PROMPTS[0], 10, sampling=GREEDY, ignore_eos=True))
    by_stop = await tokens_of(builtin, Job(PROMPTS[0], 10, sampling=GREEDY, stop_tokens=frozenset({stop})))
    assert [token.finish for token in by_length] == [None] * 9 + ["length"]
    assert (by_stop[-1].id, by_stop[-1].finish) == (stop, "stop")
    assert len(by_stop) == expected.index(stop) + 1


async def test_no_end_token_comes_before_min_tokens(builtin: Generator) -> None:
    likely_end = Sampling(temperature=0, logit_bias={2264: 100})
    (early,) = await tokens_of(builtin, Job(PROMPTS[0], 30, sampling=likely_end))
    late = await tokens_of(builtin, Job(PROMPTS[0], 30, sampling=likely_end, min_tokens=6))
    assert (early.id, early.finish) == (2264, "stop")
    assert [token.id == 2264 for token in late] == [False] * 6 + [True]


async def test_a_bias_bans_and_forces(builtin: Generator) -> None:
    assert await ids_of(builtin, PROMPTS[0], 3, sampling=Sampling(logit_bias={9: 100})) == [9, 9, 9]


@pytest.mark.parametrize("kind_and_text", [("regex", "(yes|no)"), ("lark", 'start: "yes" | "no"')])
async def test_a_grammar_holds_the_text_and_ends_it(
    builtin: Generator, decode: Callable[[Sequence[int]], str], kind_and_text: tuple[str, str]
) -> None:
    grammar = Grammar(*kind_and_text)  # type: ignore[arg-type]
    jobs = [Job(prompt, 30, grammar=grammar, sampling=Sampling(seed=1)) for prompt in PROMPTS]
    for tokens in await asyncio.gather(*(tokens_of(builtin, job) for job in jobs)):
        assert decode([token.id for token in tokens]) in ("yes", "no")
        assert tokens[-1].finish == "stop"


async def test_json_follows_its_schema_and_ignoring_end_tokens_does_not_go_past_it(
    builtin: Generator, decode: Callable[[Sequence[int]], str]
) -> None:
    properties = '{"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": false'
    schema = f'{{"type": "object", "properties": {properties}}}'
    job = Job(
        PROMPTS[0], 60, grammar=Grammar("json_schema", schema), ignore_eos=True, sampling=Sampling(seed=2)
    )
    text = decode([token.id for token in await tokens_of(builtin, job)])
    assert "".join(text.split()) in ('{"n":1}', '{"n":2}')


async def test_a_broken_grammar_is_refused(builtin: Generator) -> None:
    with pytest.raises(GrammarRefused, match="unknown name"):
        await tokens_of(builtin, Job(PROMPTS[0], 5, grammar=Grammar("lark", "start: nothing")))


async def test_a_grammar_that_grows_too_large_on_the_way_is_refused(builtin: Generator) -> None:
    many = ", ".join(f'"k{number}": {{"type": "string"}}' for number in range(5000))
    schema = f'{{"type": "object", "properties": {{{many}}}}}'
    with pytest.raises(GrammarRefused):
        await tokens_of(builtin, Job(PROMPTS[0], 9, grammar=Grammar("json_schema", schema), sampling=GREEDY))
    assert len(await ids_of(builtin, PROMPTS[0], 5)) == 5


async def test_an_aborted_request_leaves_the_batch_at_once(builtin: Generator) -> None:
    stream = builtin.submit(Job(PROMPTS[0], 1000, ignore_eos=True, sampling=GREEDY))
    await anext(stream)
    assert builtin.load.running == 1
    await stream.aclose()
    await until(lambda: builtin.load.running == 0)
    total = builtin.load.output_tokens_total
    assert total < 100
    await ids_of(builtin, PROMPTS[1], 5)
    assert builtin.load.output_tokens_total <= total + 5


async def test_no_request_is_lost_where_the_queue_is_longer_than_the_cache(
    crowded: TextGenerator, model: PreTrainedModel
) -> None:
    chance = random.Random(3)
    shared = tuple(chance.randrange(VOCABULARY) for _ in range(70))
    prompts = [
        (shared if number % 3 == 0 else ()) + tuple(chance.choices(range(2260), k=chance.randrange(1, 110)))
        for number in range(32)
    ]
    sizes = [chance.randrange(1, 60) for _ in prompts]
    cuts = [chance.randrange(1, 30) if number % 2 else None for number in range(len(prompts))]

    async def some(prompt: Sequence[int], size: int, cut: int | None) -> list[int]:
        if cut is None:
            return await ids_of(crowded, prompt, size)
        stream = crowded.submit(Job(tuple(prompt), size, ignore_eos=True, sampling=GREEDY))
        got = [token.id async for _, token in _first(stream, cut) if isinstance(token, Token)]
        await stream.aclose()
        return got

    texts = await asyncio.wait_for(
        asyncio.gather(*(some(*each) for each in zip(prompts, sizes, cuts, strict=True))), 120
    )
    for prompt, size, text, cut in zip(prompts, sizes, texts, cuts, strict=True):
        assert text == reference(model, prompt, size)[: cut or size]
    await until(lambda: (crowded.load.running, crowded.load.waiting) == (0, 0))


async def test_requests_go_on_after_all_running_ones_were_aborted_in_a_full_cache(
    crowded: TextGenerator,
) -> None:
    streams = [crowded.submit(Job(prompt[:40], 200, ignore_eos=True, sampling=GREEDY)) for prompt in PROMPTS]
    readers = [asyncio.create_task(_drain(stream, 190)) for stream in streams]
    await until(lambda: crowded.load.output_tokens_total > 160, timeout_s=30)  # some lost their place by now
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    assert len(await asyncio.wait_for(ids_of(crowded, PROMPTS[0], 5), 10)) == 5


async def test_a_failed_step_fails_its_requests_and_not_the_next_ones(builtin: Generator) -> None:
    broken = Sampling(logit_bias={5: "much"})  # type: ignore[dict-item]  # what no face lets through
    with pytest.raises(GenerationFailed):
        await ids_of(builtin, PROMPTS[0], sampling=broken)
    assert len(await ids_of(builtin, PROMPTS[0], 5)) == 5


async def test_tokens_that_the_model_lacks_harm_nobody(builtin: Generator) -> None:
    running = asyncio.create_task(ids_of(builtin, PROMPTS[0], 30))
    assert len(await ids_of(builtin, PROMPTS[1], 5, sampling=Sampling(logit_bias={VOCABULARY: 1.0}))) == 5
    with pytest.raises(GenerationFailed, match="token 2271 is none"):
        await ids_of(builtin, [VOCABULARY], 5)
    assert len(await running) == 30


async def test_an_answer_ends_where_the_context_does(crowded: TextGenerator) -> None:
    tokens = await tokens_of(crowded, Job(tuple(range(200)), 1000, ignore_eos=True))
    assert (len(tokens), tokens[-1].finish) == (56, "length")
    with pytest.raises(GenerationFailed, match="leaves no room"):
        await ids_of(crowded, range(256), 5)


async def test_a_stopped_generator_ends_its_streams(builtin: Generator) -> None:
    stream = builtin.submit(Job(PROMPTS[0], 1000, ignore_eos=True))
    await anext(stream)
    await builtin.stop()
    with pytest.raises(GenerationFailed):
        await _drain(stream, 1000)
    with pytest.raises(GenerationFailed):
        await ids_of(builtin, PROMPTS[0])
    assert builtin.load.running == 0


async def _drain(stream: AsyncIterator[Token | PromptLogprobs], num: int) -> None:
    async for _ in _first(stream, num):
        pass


async def _first(
    stream: AsyncIterator[Token | PromptLogprobs], num: int
) -> AsyncIterator[tuple[int, Token | PromptLogprobs]]:
    for number in range(num):
        try:
            yield number, await anext(stream)
        except StopAsyncIteration:
            return
