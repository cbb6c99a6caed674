"""Errors as the page says them: what happened, then what to do."""

from polychat.client import AnswerCutOff, ApiError, ApiUnreachable

NO_MODEL = "No model is served yet. Start one in a terminal: `polychat worker MODEL`"
"""`MODEL` as the command's help explains it; the list follows by itself."""


def explain(error: ApiError) -> str:
    """Markdown for the chat."""
    message = " ".join(str(error).split()).replace("<", "&lt;")
    return f"**{message}**\n\n{_what_to_do(error)}"


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
            return "Start the page with a key that the API knows: `polychat web --api-key KEY`."
        case ApiError(status=429 | 503):
            return f"Press **Regenerate** in {error.retry_after_s or 2:.0f} s."
        case ApiError(status=400 | 422):
            return "Change what it names, in the settings or with **Undo**, then press **Regenerate**."
        case _:
            return "Press **Regenerate**. If it happens again, the log of `polychat api` says more."
