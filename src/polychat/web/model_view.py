"""The components that show what the API serves; they follow it while the page is open."""

import gradio as gr

from polychat.web import drawing
from polychat.web.models import Menu, ModelSource, follow


class ModelView:
    """The components that show what the API serves, and how a look at it changes them."""

    def __init__(
        self, source: ModelSource, api_url: str, *, model: gr.Dropdown, status: gr.HTML, notice: gr.Markdown
    ) -> None:
        self._source = source
        self._api_url = api_url
        self.menu = gr.State(Menu())
        self.model = model
        self.status = status
        self.notice = notice

    async def look(self, menu: Menu, selected: str | None) -> tuple[object, ...]:
        """The updates for `menu`, `model`, `status` and `notice`; none unless something changed."""
        seen = follow(menu, selected or "", await self._source.look())
        if seen == menu:
            return tuple(gr.skip() for _ in range(4))
        return (
            seen,
            gr.update(choices=list(seen.choices), value=seen.selected),
            drawing.status(seen, self._api_url),
            gr.update(value=seen.notice, visible=bool(seen.notice)),
        )


def follow_models(page: gr.Blocks, view: ModelView, *, every_s: float) -> None:
    """Look now and every `every_s` seconds, as long as the page is open."""
    for event in (page.load, gr.Timer(every_s).tick):
        event(
            view.look,
            [view.menu, view.model],
            [view.menu, view.model, view.status, view.notice],
            show_progress="hidden",
            api_visibility="private",
            queue=False,
        )
