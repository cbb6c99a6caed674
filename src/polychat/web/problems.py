"""Errors as the page says them: what happened, then what to do."""

from polychat.client import AnswerCutOff, ApiError, ApiUnreachable

NO_MODEL = "No model is served yet. Start one in a terminal: `polychat worker MODEL`"
"""`MODEL` as the command's help explains it; the list follows by itself."""


def explain(error: ApiError) -> str:
    """Why a message was not answered, as Markdown for the chat."""
    return f"**{_one_line(error)}**\n\n{_what_to_do(error)}"


def describe(error: ApiError) -> str:
    """Why the models cannot be listed, as one line of Markdown."""
    return f"{_one_line(error)} {_KEY_ADVICE}" if error.status in (401, 403) else _one_line(error)


_KEY_ADVICE = "Start the page with a key that the API knows: `polychat web --api-key KEY`."


def _what_to_do(error: ApiError) -> str:
    match error:
        case ApiUnreachable():
            return "Start it in a terminal, then press **Regenerate**. Your message is kept."
        case AnswerCutOff():
            return "Press **Regenerate** to ask again."
        case ApiError(code="model_not_found"):
            return "Choose another model above, or start this one: `polychat worker MODEL`."
        case ApiError(code="context_length_exceeded"):
            return "Press **Clear** for a new chat, or **Undo** to shorten the message."
        case ApiError(status=401 | 403):
            return _KEY_ADVICE
        case ApiError(status=429 | 503):
            return f"Press **Regenerate** in {error.retry_after_s or 2:.0f} s, or choose another model above."
        case ApiError(status=400 | 422):
            return "Change what it names, in the settings or with **Undo**, then press **Regenerate**."
        case _:
            return "Press **Regenerate**. If it happens again, the log of `polychat api` says more."


def _one_line(error: ApiError) -> str:
    """The message as Markdown that cannot reach beyond its line, or into the page's HTML."""
    return " ".join(str(error).split()).replace("<", "&lt;")
