"""The network: a small Llama whose first two layers can copy before any training.

Reading order: `Config`, `Mini`, `plant_copying`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

NUM_CONSTANT = 4  # embedding features that are the same for every token; position heads read them


@dataclass(frozen=True, slots=True)
class Config:
    vocab_size: int
    width: int = 256
    num_layers: int = 6
    num_heads: int = 4
    num_kv_heads: int = 4
    ff_width: int = 640
    rope_theta: float = 1_000_000.0  # large: many slow RoPE dimensions, which content matching needs
    context_length: int = 2048
    norm_eps: float = 1e-5

    @property
    def head_width(self) -> int:
        return self.width // self.num_heads

    def frequencies(self) -> Tensor:
        steps = torch.arange(0, self.head_width, 2) / self.head_width
        return 1 / self.rope_theta**steps


class Block(nn.Module):
    """Attention and a gated feed-forward network, each added to the residual stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width, kv_width = config.width, config.num_kv_heads * config.head_width
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, kv_width, bias=False)
        self.v = nn.Linear(width, kv_width, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, config.ff_width, bias=False)
        self.up = nn.Linear(width, config.ff_width, bias=False)
        self.down = nn.Linear(config.ff_width, width, bias=False)
        self.norm1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x: (batch, length, width); cos, sin: (length, head_width)."""
        x = x + self.attend(
            functional.rms_norm(x, (self.config.width,), self.norm1, self.config.norm_eps), cos, sin
        )
        hidden = functional.rms_norm(x, (self.config.width,), self.norm2, self.config.norm_eps)
        gate, up = functional.linear(hidden, torch.cat([self.gate.weight, self.up.weight])).chunk(2, -1)
        added: Tensor = self.down(functional.silu(gate) * up)
        return x + added

    def attend(self, hidden: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = hidden.shape
        heads, kv_heads, size = self.config.num_heads, self.config.num_kv_heads, self.config.head_width
        joined = functional.linear(hidden, torch.cat([self.q.weight, self.k.weight, self.v.weight]))
        split = joined.view(batch, length, -1, size).transpose(1, 2)
        turned, value = split[:, : heads + kv_heads], split[:, heads + kv_heads :]
        half = torch.cat([-turned[..., size // 2 :], turned[..., : size // 2]], -1)
        turned = turned * cos + half * sin
        query, key = turned[:, :heads], turned[:, heads:]
        if heads != kv_heads:
            key = key.repeat_interleave(heads // kv_heads, 1)
            value = value.repeat_interleave(heads // kv_heads, 1)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: Tensor = self.o(mixed.transpose(1, 2).reshape(batch, length, width))
        return out


class Mini(nn.Module):
    """Llama with tied embeddings. `hidden` gives the normalised states; logits are `hidden @ embedding.T`."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = nn.Parameter(torch.ones(config.width))
        self._init_matrices()
        angles = torch.outer(torch.arange(config.context_length).float(), config.frequencies())
        angles = torch.cat([angles, angles], -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def _init_matrices(self) -> None:
        """Small outputs into the residual stream, so that the planted circuit is heard at first."""
        for name, parameter in self.blocks.named_parameters():
            if parameter.ndim == 2:
                gain = 0.1 if name.endswith(("o.weight", "down.weight")) else 0.5
                nn.init.normal_(parameter, std=gain / math.sqrt(parameter.shape[1]))

    def block(self, index: int) -> Block:
        block = self.blocks[index]
        assert isinstance(block, Block)
        return block

    def hidden(self, ids: Tensor) -> Tensor:
        """ids: (batch, length) -> (batch, length, width)."""
        x, length = self.embedding(ids), ids.shape[1]
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return functional.rms_norm(x, (self.config.width,), self.norm, self.config.norm_eps)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.embedding.weight.T


@torch.no_grad()
def plant_copying(model: Mini, related: list[tuple[int, int]], similarity: float = 0.5) -> None:
    """Write an induction circuit into the first two layers, as training alone finds it too late.

    Layer 0: head 0 looks one token back and head 1 two, by the RoPE phase of a constant feature,
    and they write what they saw into reserved dimensions. Layer 1: head 0 finds the places where the
    token before equals the current token, head 1 those where the last two tokens agree; both copy
    what stands there. Random ids are then copied with about 0.76 accuracy before the first step.
    The circuit is the one of Olsson et al., "In-context Learning and Induction Heads", 2022.

    related: pairs of token ids (a word with and without a space, or capital) that start out similar.
    """
    config, generator = model.config, torch.Generator().manual_seed(1)
    size = config.head_width
    stop = config.width - 2 * size
    _init_embedding(model, related, similarity, stop, generator)
    content = slice(NUM_CONSTANT, stop)
    basis, _ = torch.linalg.qr(torch.randn(stop - NUM_CONSTANT, stop - NUM_CONSTANT, generator=generator))
    look_back, match = model.block(0), model.block(1)
    for head in range(2):
        rows = slice(head * size, (head + 1) * size)
        for block in (look_back, match):
            for matrix in (block.q.weight, block.k.weight, block.v.weight):
                matrix[rows] = 0
            block.o.weight[:, rows] = 0
        _plant_look_back(look_back, config, head, basis[:size], content)
        _plant_match(match, config, head, basis, content)


def _init_embedding(
    model: Mini, related: list[tuple[int, int]], similarity: float, stop: int, generator: torch.Generator
) -> None:
    weight = model.embedding.weight
    weight.normal_(0, 1, generator=generator)
    for base, variant in related:
        weight[variant] = similarity * weight[base] + math.sqrt(1 - similarity**2) * weight[variant]
    weight[:, :NUM_CONSTANT] = 2.0
    weight[:, stop:] *= 0.05
    model.norm.fill_(0.05)  # with embeddings of size 1 this gives logits of a sane size


def _plant_look_back(block: Block, config: Config, head: int, basis: Tensor, content: slice) -> None:
    size, stop, num_fast = config.head_width, config.width - 2 * config.head_width, 8
    first, phase = head * size, (head + 1) * config.frequencies()[:num_fast]
    for feature in range(NUM_CONSTANT):
        block.q.weight[first : first + num_fast, feature] = 1
        block.k.weight[first : first + num_fast, feature] = phase.cos()
        block.k.weight[first + size // 2 : first + size // 2 + num_fast, feature] = phase.sin()
    block.v.weight[first : first + size, content] = basis
    block.o.weight[stop + head * size : stop + (head + 1) * size, first : first + size] = torch.eye(size)


def _plant_match(block: Block, config: Config, head: int, basis: Tensor, content: slice) -> None:
    """Match on the slow RoPE dimensions only, since fast ones would see the distance."""
    size, stop, gain = config.head_width, config.width - 2 * config.head_width, 3.0
    first, half = head * size, config.head_width // 2
    slow = [i for i, frequency in enumerate(config.frequencies().tolist()) if frequency < 0.004]
    for index, dim in enumerate(slow + [i + half for i in slow]):
        if head == 0 or index % 2 == 0:
            block.q.weight[first + dim, content] = basis[index] * gain
            block.k.weight[first + dim, stop + index] = gain
        else:
            block.q.weight[first + dim, stop + index] = gain * 1.3
            block.k.weight[first + dim, stop + size + index] = gain * 1.3
    out = basis[:size] if head == 0 else basis[-size:]
    block.v.weight[first : first + size, content] = out
    block.o.weight[content, first : first + size] = out.T * (2.0 if head == 0 else 3.0)


def planted_masks(model: Mini, slow: float) -> dict[str, Tensor]:
    """Per parameter name the factor of its updates: `slow` where the circuit was planted, 1 elsewhere."""
    size, masks = model.config.head_width, {}
    for layer in range(2):
        for matrix in "qkvo":
            name = f"blocks.{layer}.{matrix}.weight"
            mask = torch.ones_like(model.get_parameter(name))
            if matrix == "o":
                mask[:, : 2 * size] = slow
            else:
                mask[: 2 * size] = slow
            masks[name] = mask
    return masks
