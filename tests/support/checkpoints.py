"""Checkpoints that engines can run: config, safetensors and tokenizer in a folder, as the hub has them."""

import json
from importlib import resources
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from tests.support import torch_models

_FOLDER = str(resources.files("polychat.engines") / "builtin")
_FILE = "polychat-mini.gguf"
_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz .,?!'0123456789")
_BERT = {
    "vocab_size": len(_WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 256,
    "initializer_range": 0.5,
}
_IMAGE = "<image>"
_SEES = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% for part in m.content %}"
    "{{ '<image>' if part.type == 'image' else part.text }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def builtin_checkpoint(folder: Path) -> Path:
    """The built-in model out of its GGUF, in float32: the same weights, tokenizer and chat template."""
    model = AutoModelForCausalLM.from_pretrained(_FOLDER, gguf_file=_FILE, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(_FOLDER, gguf_file=_FILE)
    config = type(model.config).from_dict(
        {key: value for key, value in model.config.to_dict().items() if key != "quantization_config"}
    )
    copy = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id
    )
    copy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def seq2seq(folder: Path) -> Path:
    """A T5 with random weights, the same at each call."""
    torch_models.write(folder, "t5")
    return folder


def embedder(folder: Path) -> Path:
    """A BERT with random weights whose vectors are means, as sentence-transformers writes it."""
    torch.manual_seed(0)
    BertModel(BertConfig(**_BERT)).save_pretrained(folder)
    _letters().save_pretrained(folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": _BERT["hidden_size"], "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def classifier(folder: Path, *, num_labels: int = 2) -> Path:
    """A BERT with a random head; with one label a cross-encoder."""
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**_BERT, num_labels=num_labels)).save_pretrained(folder)
    _letters().save_pretrained(folder)
    return folder


def seeing(folder: Path) -> Path:
    """A Llava with random weights that reads pictures of 30 by 30 pixels as 9 tokens."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(_FOLDER, gguf_file=_FILE)
    tokenizer.add_special_tokens({"additional_special_tokens": [_IMAGE]})
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = LlamaConfig(
        **sizes,
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.bos_token_id,
    )
    vision = CLIPVisionConfig(**sizes, image_size=30, patch_size=10, projection_dim=16)
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE),
        image_seq_length=9,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    images = CLIPImageProcessorPil(size={"shortest_edge": 30}, crop_size={"height": 30, "width": 30})
    LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=10,
        vision_feature_select_strategy="default",
        chat_template=_SEES,
        image_token=_IMAGE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


def _letters() -> PreTrainedTokenizerFast:
    """A tokenizer with a token for each letter, and BERT's marks around texts and between them."""
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(_WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
