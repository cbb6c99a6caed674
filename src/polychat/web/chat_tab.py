"""The chat: its components, and what each event reads and redraws."""

import time
from collections.abc import AsyncIterator, Callable, Mapping

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from polychat.client import ApiError
from polychat.web import drawing
from polychat.web.answering import Answers
from polychat.web.models import ModelSource
from polychat.web.problems import NO_MODEL, explain
from polychat.web.session import Chat
from polychat.web.settings import Settings

EXAMPLES = ("Hello! Who are you?", "How do I add a model?", "Once upon a time")
INVITATION = "## What would you like to ask?"
LATEX: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "$", "right": "$", "display": False},
]

Values = Mapping[Component, object]
"""The inputs of an event."""

Event = Callable[..., object]
"""A component's event, to be called with what it runs."""

Redraw = dict[Component, object]
"""What an event changes; a component that is not in it stays as it is."""


class ChatTab:
    """The chat of each open page. Make it inside `gr.Blocks`, where it is to appear."""

    def __init__(
        self,
        answers: Answers,
        models: ModelSource,
        *,
        model: gr.Dropdown,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answers = answers
        self._models = models
        self._model = model
        self._settings = settings
        self._clock = clock
        self._chat = gr.State(Chat())
        self.bubbles = _bubbles()
        self._box = _box()
        with gr.Row(elem_id="actions"):
            self._regenerate = _action("Regenerate")
            self._undo = _action("Undo")
            self._clear = _action("Clear")
            self._footnote = gr.Markdown(elem_id="footnote")
        self._listen()

    def _listen(self) -> None:
        inputs: set[Block] = {self._chat, self._box, self._model, *self._settings.components}
        outputs = [self._chat, self.bubbles, self._box, *self._actions, self._footnote]
        listeners: tuple[tuple[Event, Callable[..., object], bool], ...] = (
            (self._box.submit, self._send, True),
            (self._regenerate.click, self._ask_again, True),
            (self.bubbles.example_select, self._send_example, True),
            (self._undo.click, self._take_back, False),
            (self._clear.click, self._start_anew, False),
        )
        for event, run, queue in listeners:
            event(run, inputs, outputs, show_progress="hidden", api_visibility="private", queue=queue)
        self._box.stop(self.leave, show_progress="hidden", api_visibility="private", queue=False)

    async def _send(self, values: Values, request: gr.Request) -> AsyncIterator[Redraw]:
        text = str(values[self._box] or "")
        if self._answers.is_writing(_page(request)):
            yield {self._box: gr.skip()}  # what was typed stays for later
            return
        yield {self._box: ""}
        if text.strip():
            async for redraw in self._answer(self._chat_in(values).ask(text), values, request):
                yield redraw

    async def _send_example(
        self, values: Values, request: gr.Request, example: gr.SelectData
    ) -> AsyncIterator[Redraw]:
        async for redraw in self._answer(Chat().ask(example.value["text"]), values, request):
            yield redraw

    async def _ask_again(self, values: Values, request: gr.Request) -> AsyncIterator[Redraw]:
        async for redraw in self._answer(self._chat_in(values).regenerate(), values, request):
            yield redraw

    async def _answer(self, chat: Chat, values: Values, request: gr.Request) -> AsyncIterator[Redraw]:
        yield self._at_work(chat)
        model = str(values[self._model] or "")
        if not model:  # nothing to choose from, or the list has not reached the page yet
            listing = await self._models.look()
            if not listing.models:
                yield self._at_rest(chat.fail(listing.problem or NO_MODEL))
                return
            model = listing.models[0]
        try:
            options = self._settings.options(values)
        except ApiError as exc:
            yield self._at_rest(chat.fail(explain(exc)))
            return
        began_s = self._clock()
        writing = self._answers.write(
            chat,
            page=_page(request),
            model=model,
            system_prompt=str(values[self._settings.system_prompt] or ""),
            options=options,
        )
        async for so_far in writing:
            chat = so_far
            yield {self._chat: chat, self.bubbles: drawing.bubbles(chat)}
        yield self._at_rest(chat, took_s=self._clock() - began_s)

    async def leave(self, request: gr.Request) -> None:
        """The page is gone: nobody reads on."""
        self._answers.stop(_page(request))

    async def _take_back(self, values: Values) -> Redraw:
        """Undo: the question goes back into the box, unless something new is there already."""
        chat = self._chat_in(values)
        typed = str(values[self._box] or "")
        return {**self._at_rest(chat.undo()), self._box: _ready(typed or chat.turns[-1].question)}

    async def _start_anew(self, _: Values) -> Redraw:
        return self._at_rest(Chat())

    def _at_work(self, chat: Chat) -> Redraw:
        return {
            self._chat: chat,
            self.bubbles: drawing.bubbles(chat),
            self._box: gr.update(submit_btn=False, stop_btn="Stop"),
            self._footnote: drawing.footnote(chat),
            **{action: gr.update(interactive=False) for action in self._actions},
        }

    def _at_rest(self, chat: Chat, *, took_s: float | None = None) -> Redraw:
        return {
            self._chat: chat,
            self.bubbles: drawing.bubbles(chat),
            self._box: gr.update(submit_btn="Send", stop_btn=False),
            self._footnote: drawing.footnote(chat, took_s=took_s),
            **{action: gr.update(interactive=bool(chat.turns)) for action in self._actions},
        }

    @property
    def _actions(self) -> tuple[gr.Button, gr.Button, gr.Button]:
        return self._regenerate, self._undo, self._clear

    def _chat_in(self, values: Values) -> Chat:
        chat = values[self._chat]
        assert isinstance(chat, Chat)
        return chat


def _bubbles() -> gr.Chatbot:
    return gr.Chatbot(
        label="Conversation",
        show_label=False,
        container=False,
        elem_id="conversation",
        scale=1,
        height="100%",
        layout="bubble",
        latex_delimiters=LATEX,
        buttons=["copy", "copy_all"],
        feedback_options=None,
        allow_tags=False,
        group_consecutive_messages=False,
        placeholder=INVITATION,
        examples=[{"text": text} for text in EXAMPLES],
    )


def _box() -> gr.Textbox:
    return gr.Textbox(
        label="Message",
        show_label=False,
        container=False,
        placeholder="Message the model",
        lines=1,
        max_lines=8,
        submit_btn="Send",
        autofocus=True,
        elem_id="message",
    )


def _ready(text: str) -> object:
    return gr.update(value=text, submit_btn="Send", stop_btn=False)


def _action(name: str) -> gr.Button:
    return gr.Button(name, size="sm", variant="secondary", interactive=False, min_width=0, scale=0)


def _page(request: gr.Request) -> str:
    """What tells one open page from another."""
    assert request.session_hash is not None, "Gradio gives every page a session"
    return request.session_hash
