import pytest

from polychat.client import AnswerCutOff, ApiError, ApiUnreachable
from polychat.web.problems import explain


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ApiUnreachable("http://a", "refused"), "Start it in a terminal"),
        (AnswerCutOff("the connection broke"), "ask again"),
        (ApiError("No such model.", status=404, code="model_not_found"), "Choose another model"),
        (ApiError("Too long.", status=400, code="context_length_exceeded"), "**Clear**"),
        (ApiError("Bad key.", status=401), "polychat web --api-key KEY"),
        (
            ApiError("Busy. Try again in 7 s.", status=503, retry_after_s=7),
            "in 7 s, or choose another model above",
        ),
        (ApiError("Too many.", status=429, retry_after_s=7), "in 7 s"),
        (ApiError("Too many.", status=429), "in 2 s"),
        (ApiError("temperature must be below 2.", status=400, code=None), "Change what it names"),
        (ApiError("The replica died."), "the log of `polychat api`"),
    ],
)
def test_every_error_says_what_happened_and_what_to_do(error: ApiError, advice: str) -> None:
    happened, todo = explain(error).split("\n\n")
    assert happened == f"**{error}**"
    assert advice in todo


def test_a_servers_message_cannot_break_out_of_its_line() -> None:
    assert explain(ApiError("line one\nline <b>two</b>")).startswith("**line one line &lt;b>two&lt;/b>**\n\n")
