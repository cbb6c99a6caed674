"""Why llama.cpp would not start, and how loaded it is, read from what it writes."""

import json

from polychat.engines.llamacpp.engine import reason_in
from polychat.engines.llamacpp.load import load_of
from polychat.types import Load

CUT = """\
0.00.006.454 E llama_model_load: error loading model: tensor 'blk.0.ffn_up' data is not within the file bounds
0.00.006.458 E llama_model_load_from_file_impl: failed to load model
0.00.006.614 E cmn  common_init_: failed to load model 'cut.gguf'"""
TAKEN = """\
0.00.003.203 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 33001
0.00.003.271 E srv          init: exiting due to HTTP server error"""
METRICS = b"""\
# HELP llamacpp:tokens_predicted_total Number of generation tokens processed
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total 1200
llamacpp:requests_processing 2
llamacpp:requests_deferred 3
llamacpp:predicted_tokens_seconds 1.5e+02
"""


def slot(*, is_processing: bool, prompt: int, decoded: int) -> dict[str, object]:
    return {
        "id": 0,
        "is_processing": is_processing,
        "n_prompt_tokens": prompt,
        "next_token": [{"n_decoded": decoded}],
    }


def test_the_reason_is_the_loaders_own() -> None:
    assert reason_in(CUT).startswith("tensor 'blk.0.ffn_up' data is not within the file bounds")


def test_without_a_loaders_reason_the_first_error_is_taken() -> None:
    assert reason_in(TAKEN) == "couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 33001"
    assert reason_in("nothing wrong here") == ""


def test_tokens_of_running_requests_count_as_they_come() -> None:
    slots = [slot(is_processing=True, prompt=100, decoded=28), slot(is_processing=False, prompt=9, decoded=9)]
    load = load_of(METRICS, json.dumps(slots).encode(), kv_tokens=256, slots=2)
    assert load == Load(running=1, waiting=3, kv_cache_usage=0.5, slots=2, output_tokens_total=1228)
