"""Embeddings, scores and classes of the transformers engine, beside the library's own numbers."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
)

from polychat.engines.transformers.core.opening import open_model
from polychat.engines.transformers.core.pooling_recipe import pool
from polychat.engines.transformers.job import Encoded, ModelSettings, OpenModel, Pooler
from tests.support import minilm_gguf

TEXTS = ["hello", "How old are you?", "The quick brown fox jumps over the lazy dog. " * 20, "x", "a b c"]
SMALL: dict[str, float] = {
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
SMALL |= {"intermediate_size": 48, "initializer_range": 0.5}
INPUTS = [Encoded((2, 5, 9)), Encoded((2, 7, 7, 7, 7, 9), (0, 0, 0, 1, 1, 1)), Encoded((2, 9))]


def pooler_of(model: OpenModel) -> Pooler:
    assert model.pooler is not None
    return model.pooler


def classifier(folder: Path, num_labels: int, **settings: object) -> Pooler:
    torch.manual_seed(0)
    config = BertConfig(**SMALL, num_labels=num_labels, **settings)
    BertForSequenceClassification(config).save_pretrained(folder)
    return pooler_of(open_model(ModelSettings(folder=str(folder), threads=1)))


def logits(folder: Path, each: Encoded) -> torch.Tensor:
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    types = torch.tensor([each.type_ids]) if each.type_ids else None
    with torch.no_grad():
        return model(torch.tensor([each.ids]), token_type_ids=types).logits[0]


async def test_minilm_gives_sentence_transformers_vectors_alone_and_together() -> None:
    folder = minilm_gguf.folder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    inputs = [Encoded(tuple(tokenizer(text, truncation=True, max_length=512)["input_ids"])) for text in TEXTS]
    pooler = pooler_of(open_model(ModelSettings(folder=str(folder))))
    vectors = await pooler.embed(inputs)
    for each, vector in zip(inputs, vectors, strict=True):
        with torch.no_grad():
            mean = model(torch.tensor([each.ids])).last_hidden_state[0].mean(0)
        assert vector == pytest.approx((mean / mean.norm()).tolist(), abs=1e-5)
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
    assert (pooler.kind, pooler.dimensions) == ("embed", 384)


async def test_a_reranker_scores_pairs_between_0_and_1(tmp_path: Path) -> None:
    pooler = classifier(tmp_path, 1)
    expected = [float(logits(tmp_path, each).sigmoid()) for each in INPUTS]
    assert await pooler.score(INPUTS) == pytest.approx(expected, abs=1e-5)
    assert (pooler.kind, pooler.labels) == ("score", ())


async def test_a_reranker_whose_settings_want_raw_scores_gives_them(tmp_path: Path) -> None:
    identity = {"activation_fn": "torch.nn.modules.linear.Identity"}
    pooler = classifier(tmp_path, 1, sentence_transformers=identity)
    expected = [float(logits(tmp_path, each)) for each in INPUTS]
    assert await pooler.score(INPUTS) == pytest.approx(expected, abs=1e-5)


async def test_a_classifier_gives_the_probability_of_each_label(tmp_path: Path) -> None:
    pooler = classifier(tmp_path, 3, id2label={0: "good", 1: "fair", 2: "bad"})
    for row, each in zip(await pooler.classify(INPUTS), INPUTS, strict=True):
        assert row == pytest.approx(logits(tmp_path, each).softmax(-1).tolist(), abs=1e-5)
    assert (pooler.kind, pooler.dimensions, pooler.labels) == ("classify", 3, ("good", "fair", "bad"))


@pytest.mark.parametrize("mode", ["cls", "mean", "lasttoken", "max"])
async def test_the_folders_own_pooling_is_done(mode: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    BertModel(BertConfig(**SMALL)).save_pretrained(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": mode}))
    modules = [{"path": "", "type": "models.Transformer"}, {"path": "1_Pooling", "type": "models.Pooling"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    pooler = pooler_of(open_model(ModelSettings(folder=str(tmp_path), threads=1)))
    inputs = [dataclasses.replace(each, type_ids=()) for each in INPUTS]
    model = AutoModel.from_pretrained(tmp_path)
    for vector, each in zip(await pooler.embed(inputs), inputs, strict=True):
        with torch.no_grad():
            states = model(torch.tensor([each.ids])).last_hidden_state
        expected = pool(mode, states, torch.ones(1, len(each.ids), dtype=torch.long))[0]
        assert vector == pytest.approx((expected / expected.norm()).tolist(), abs=1e-5)


def test_padding_changes_no_kind_of_pooling() -> None:
    states, mask = torch.rand(1, 3, 4), torch.tensor([[1, 1, 0]])
    for mode in ("cls", "mean", "lasttoken", "max", "weightedmean", "mean_sqrt_len_tokens"):
        alone = pool(mode, states[:, :2], mask[:, :2])
        assert torch.allclose(pool(mode, states, mask), alone)
