"""`polychat chat`: talk to a model in the terminal, or ask it one thing from a script."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options, state

if TYPE_CHECKING:
    from polychat.cli.chat_answer import Model
    from polychat.cli.conversation import Conversation
    from polychat.client import Client, SamplingOptions


def chat(
    model: Annotated[str, typer.Argument(help="Which model; default: the first that is served.")] = "",
    api_url: options.ApiUrl = options.API_URL,
    api_key: options.ApiKey = "",
    message: Annotated[
        str, typer.Option("--message", "-m", help="Ask this one thing, print the answer and leave.")
    ] = "",
    system: Annotated[str, typer.Option(help="System prompt.")] = "",
    temperature: Annotated[float | None, typer.Option(help="0 is greedy.", min=0, max=2)] = None,
    top_p: Annotated[float | None, typer.Option(help="Nucleus sampling.", min=0, max=1)] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", "--max-new-tokens", help="Length limit of an answer.", min=1)
    ] = None,
    multiline: Annotated[
        bool, typer.Option("--multiline", help="Enter makes a new line, Alt-Enter sends.")
    ] = False,
) -> None:
    """Talk to a model. Without a terminal, standard input is the question and plain text the answer."""
    import asyncio

    from polychat.cli.conversation import Conversation
    from polychat.client import Client, SamplingOptions

    sampling = SamplingOptions(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
    question = message or _piped()

    async def run() -> None:
        async with Client(api_url, api_key=api_key) as client:
            chosen = await _choose(client, model, sampling)
            if question:
                await _once(chosen, Conversation(system).asked(question))
            else:
                await _talk(chosen, Conversation(system), multiline)

    asyncio.run(run())


def _piped() -> str:
    """Standard input, when it is not a terminal.

    Raises:
        SetupError: there is nothing in it.
    """
    from polychat.errors import SetupError

    if sys.stdin.isatty():
        return ""
    text = sys.stdin.read().strip()
    if not text:
        raise SetupError("standard input is empty; pipe the question in, or give it with --message")
    return text


async def _choose(client: "Client", name: str, sampling: "SamplingOptions") -> "Model":
    from polychat.cli.chat_answer import Model
    from polychat.errors import SetupError

    served = await client.models()
    if not served:
        raise SetupError(
            f"no model is ready at {client.base_url} yet; `polychat status` shows what is coming"
        )
    if name and name not in [card.id for card in served]:
        ids = ", ".join(dict.fromkeys(card.root for card in served))
        raise SetupError(f"no model {name!r} is served at {client.base_url}; there is {ids}")
    return Model(client, name or served[0].root, sampling)


async def _once(model: "Model", conversation: "Conversation") -> None:
    from rich.console import Console

    from polychat.cli.chat_answer import ask

    answer = await ask(model, conversation, Console(highlight=False))
    if answer.is_stopped:
        raise KeyboardInterrupt


async def _talk(model: "Model", conversation: "Conversation", multiline: bool) -> None:
    from polychat.cli.chat_session import Session

    await Session(
        model, conversation, history=state.made(state.home()) / "chat_history", multiline=multiline
    ).run()
