"""/tokenize and /detokenize: the very tokens that a model reads."""

import msgspec

from polychat.engines.published import pooling as forms
from polychat.engines.transformers import prompting
from polychat.engines.transformers.asking import parse_extras
from polychat.engines.transformers.served import Served
from polychat.engines.transformers.text import Text
from polychat.errors import RequestError
from polychat.schema.tokenize import DetokenizeRequest, TokenizeRequest
from polychat.schema.validation import parser_of

_parse = parser_of(TokenizeRequest)
_parse_back = parser_of(DetokenizeRequest)


def tokenize(text: Text, context_length: int, body: bytes, served: Served | None = None) -> bytes:
    """`served`: None for a model that does not chat."""
    request = _parse(body)
    if request.messages is None:
        ids = text.encode(request.prompt or "", adds_special=request.adds_special_tokens)
    elif served is None:
        raise RequestError("This model does not chat: give a 'prompt'.", param="messages")
    else:
        tools = [msgspec.json.decode(msgspec.json.encode(tool)) for tool in request.tools or ()]
        more = {
            **prompting.asked_of_template(parse_extras(body)),
            "add_generation_prompt": request.adds_generation_prompt,
            "continue_final_message": bool(request.continue_final_message),
        }
        ids = list(prompting.of_messages(served, request.messages, tools, more).ids)
    strings = text.pieces(ids) if request.return_token_strs else None
    return forms.encoded(forms.tokens(ids, strings, context_length))


def detokenize(text: Text, body: bytes) -> bytes:
    request = _parse_back(body)
    if absent := [id_ for id_ in request.tokens if id_ >= text.num_ids]:
        raise RequestError(
            f"'tokens' has the token {absent[0]}; this model's are 0 to {text.num_ids - 1}.", param="tokens"
        )
    return forms.encoded({"prompt": text.decode(request.tokens, keeps_special=True)})
