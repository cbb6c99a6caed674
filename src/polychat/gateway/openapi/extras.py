"""The routes that vLLM and others have beside OpenAI's."""

from polychat.gateway.openapi.operation import MODEL, Api, Operation
from polychat.schema.adapters import LoadAdapterRequest, UnloadAdapterRequest
from polychat.schema.answers import pooling
from polychat.schema.classify import ClassifyRequest
from polychat.schema.rerank import RerankRequest
from polychat.schema.score import ScoreRequest
from polychat.schema.tokenize import DetokenizeRequest, TokenizeRequest

TOKENS = (
    *(
        Operation(
            "POST",
            path,
            "Order documents by how well they answer a query",
            Api.EXTRA,
            RerankRequest,
            pooling.Ranking,
            example={"model": MODEL, "query": "What is a GPU?", "documents": ["a processor", "a fruit"]},
        )
        for path in ("/v1/rerank", "/rerank", "/v2/rerank")
    ),
    *(
        Operation(
            "POST",
            path,
            "Tell how well texts go together",
            Api.EXTRA,
            ScoreRequest,
            pooling.ScoreList,
            example={"model": MODEL, "text_1": "What is a GPU?", "text_2": ["a processor", "a fruit"]},
        )
        for path in ("/v1/score", "/score")
    ),
    *(
        Operation(
            "POST",
            path,
            "Sort texts into classes",
            Api.EXTRA,
            ClassifyRequest,
            pooling.ClassificationList,
            example={"model": MODEL, "input": ["Is this a question?"]},
        )
        for path in ("/v1/classify", "/classify")
    ),
    Operation(
        "POST",
        "/tokenize",
        "Turn text into tokens",
        Api.EXTRA,
        TokenizeRequest,
        pooling.TokenList,
        example={"model": MODEL, "prompt": "Hello!"},
    ),
    Operation(
        "POST",
        "/detokenize",
        "Turn tokens into text",
        Api.EXTRA,
        DetokenizeRequest,
        pooling.Detokenized,
        example={"model": MODEL, "tokens": [1, 2, 3]},
    ),
)

ADAPTERS = (
    Operation(
        "POST",
        "/v1/load_lora_adapter",
        "Load a LoRA adapter into every replica of a model",
        Api.EXTRA,
        LoadAdapterRequest,
        example={"lora_name": "sql", "lora_path": "/models/sql-adapter"},
        other_types=("text/plain",),
    ),
    Operation(
        "POST",
        "/v1/unload_lora_adapter",
        "Unload a LoRA adapter from every replica that has it",
        Api.EXTRA,
        UnloadAdapterRequest,
        example={"lora_name": "sql"},
        other_types=("text/plain",),
    ),
)
