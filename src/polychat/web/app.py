"""The page as one ASGI app: layout, the model list that follows the cluster, and what a browser may load."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.types import ASGIApp

from polychat.client import ApiError, Client
from polychat.web import drawing, settings
from polychat.web.answering import Answers
from polychat.web.chat_tab import ChatTab
from polychat.web.csp import only_from_here
from polychat.web.model_view import ModelView, follow_models
from polychat.web.models import NOTHING_TO_CHOOSE, Menu, ModelSource

LOOK_EVERY_S = 3.0
KEY_AS_PASSWORD = "Any name, and an API key of this service as the password."

Login = Callable[[str, str], Awaitable[bool]]
"""(name, password) -> whether they may come in"""

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


@dataclass(frozen=True, slots=True)
class PageOptions:
    """How the page is served."""

    root_path: str = ""  # where a proxy in front shows it, such as "/chat"
    users: tuple[tuple[str, str], ...] = ()  # (name, password); none: no login
    keys_open_it: bool = False  # without users: who has a key of the API may log in with it
    look_every_s: float = LOOK_EVERY_S


def create(client: Client, options: PageOptions | None = None) -> ASGIApp:
    """The page, ready for an ASGI server. It is a client of the API as any other."""
    options = options or PageOptions()
    app = FastAPI(openapi_url=None)
    gr.mount_gradio_app(
        app,
        _page(client, options),
        path="/",
        auth=_login(client, options),
        auth_message="" if options.users else KEY_AS_PASSWORD,
        root_path=options.root_path or None,
        footer_links=[],
        run_history=False,
        show_error=True,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        favicon_path=str(_beside("favicon.svg")),
        theme=_theme(),
        head=f"<style>{_beside('page.css').read_text(encoding='utf-8')}</style>",
    )
    return only_from_here(app)


def _login(client: Client, options: PageOptions) -> Login | list[tuple[str, str]] | None:
    """Whom Gradio lets in: those users, who shows a key, or everybody."""
    if options.users or not options.keys_open_it:
        return list(options.users) or None

    async def has_key(name: str, password: str) -> bool:
        async with client.as_somebody(password) as visitor:
            try:
                await visitor.models()
            except ApiError:
                return False
        return True

    return has_key


def _page(client: Client, options: PageOptions) -> gr.Blocks:
    page = gr.Blocks(title="polychat", analytics_enabled=False, fill_height=True)
    with page:
        with gr.Row(elem_id="top"):
            gr.HTML(f'<h1>{_logo()}<span class="name">polychat</span></h1>', elem_id="brand")
            model = gr.Dropdown(
                list(NOTHING_TO_CHOOSE),
                value="",
                # Else Gradio refuses, and the page loses, a message sent while the newest list is on its way.
                allow_custom_value=True,
                label="Model",
                show_label=False,
                container=False,
                interactive=True,
                elem_id="model",
            )
            status = gr.HTML(drawing.status(Menu(), client.base_url), elem_id="status")
        notice = gr.Markdown(visible=False, elem_id="notice")
        models = ModelSource(client)
        chat = ChatTab(Answers(client), models, model=model, settings=settings.draw())
        page.unload(chat.leave)
        view = ModelView(models, client.base_url, model=model, status=status, notice=notice)
        follow_models(page, view, every_s=options.look_every_s)
    page.queue(default_concurrency_limit=None, api_open=False)
    return page


def _theme() -> gr.themes.Base:
    """Gradio's plainest theme in the fonts that a machine has: web fonts would be fetched from elsewhere."""
    return gr.themes.Default(
        primary_hue="indigo", secondary_hue="indigo", neutral_hue="slate", font=SANS, font_mono=MONO
    )


def _logo() -> str:
    return _beside("favicon.svg").read_text(encoding="utf-8")


def _beside(name: str) -> Path:
    """A file of this package."""
    return Path(__file__).with_name(name)
