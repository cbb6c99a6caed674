"""Before a run: does anybody answer there, has it the model, how many of our words are a token."""

import asyncio
import random

import httpx

from polychat.bench.load import Load, Plan
from polychat.bench.target import Target
from polychat.bench.workload import Conversation, Turn, sample_text
from polychat.errors import SetupError
from polychat.tls import trusted

_PROBE_WORDS = 120
_USUAL, _MOST = 0.75, 4.0  # words for a token


def base_url(url: str) -> str:
    """The URL that the API's routes are below: with /v1, whether the user has written it or not."""
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise SetupError(f"{url!r} is no URL; it must begin with http:// or https://")
    return url if url.rpartition("/")[2].startswith("v") else f"{url}/v1"


def model_at(url: str, key: str, asked: str) -> str:
    """The model that is measured: the one that was asked for, or the only one there.

    Raises:
        SetupError: nobody answers at `url`, or the model is not there.
    """
    try:
        verify = trusted() if url.startswith("https:") else False
        with httpx.Client(verify=verify, timeout=10.0, trust_env=False) as http:  # as the load goes
            response = http.get(f"{url}/models", headers={"authorization": f"Bearer {key}"} if key else {})
            response.raise_for_status()
            names = [model["id"] for model in response.json()["data"]]
    except httpx.HTTPStatusError as exc:
        hint = "; give --api-key" if exc.response.status_code in (401, 403) else ""
        if asked and not hint:  # not every server lists its models
            return asked
        raise SetupError(f"{url}/models answers with status {exc.response.status_code}{hint}") from exc
    except httpx.HTTPError as exc:
        raise SetupError(f"nobody answers at {url}: {exc or type(exc).__name__}") from exc
    except (ValueError, KeyError, TypeError):
        raise SetupError(
            f"{url}/models is not what an OpenAI-compatible server says; is the URL right?"
        ) from None
    if asked in names or (asked and not names):
        return asked
    if not asked and len(names) == 1:
        return str(names[0])
    listed = ", ".join(names) or "none"
    asks = f"the model {asked!r} is not there" if asked else "there are several models, so --model is needed"
    raise SetupError(f"{asks}; {url} has: {listed}")


async def words_per_token(target: Target) -> float:
    """How many of our words the model's tokenizer makes a token of.

    Raises:
        SetupError: the first request fails.
    """
    text = sample_text(random.Random(0), _PROBE_WORDS)
    load = Load(target, Plan(concurrency=1, num_requests=1, timeout_s=120.0))
    run = await load.run(iter([Conversation([Turn(text, 1)])]))
    sample = run.samples[0]
    if sample.error and sample.error != "an answer without a token":
        raise SetupError(f"the first request failed: {sample.error}")
    if not sample.prompt_tokens:
        return _USUAL
    # A mock that always tells the same count must not make prompts of a thousand words.
    return min(_MOST, _PROBE_WORDS / sample.prompt_tokens)


def probed(target: Target) -> float:
    """The same, from where nothing runs yet."""
    return asyncio.run(words_per_token(target))
