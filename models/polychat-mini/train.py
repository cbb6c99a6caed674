"""Train polychat-mini on CPU in fp32: Muon for the matrices, AdamW for the rest.

    python train.py WORK_DIR --minutes 70 --tokens 24e6 [--resume]
    python train.py WORK_DIR --minutes 17 --tokens 6e6 --tune OLD/final.pt --rate 0.25

The schedule follows the tokens processed or the wall clock, whichever is further along, so a
busy machine still ends with a low learning rate. A checkpoint is written every 100 steps.
"""

import argparse
import json
import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from corpus.mix import WEIGHTS
from data import Item, batches, dev_items, draw, grammar, load_tokenizer, random_copy, related_tokens, tensors
from model import Config, Mini, plant_copying, planted_masks
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

MICRO_TOKENS = 1400  # of one micro batch, which is nearly one skill; three make a step
MICROS = 3
POOL = 1500  # samples drawn at a time
WARMUP_STEPS = 40
CONSTANT_UNTIL = 0.35  # fraction of the schedule after which the learning rate falls linearly
MATRIX_RATE, EMBEDDING_RATE, VECTOR_RATE = 0.02, 0.02, 0.003
MATRIX_DECAY = 0.03
SAVE_EVERY_STEPS = 100
EMA_DECAY = 0.99  # checkpoints hold averaged weights too: they score as if the rate had decayed
TUNE_DECAY = 0.95  # the same for a short tuning run
# Skills whose dev score does not change how often they are drawn.
NOT_WEIGHED = ("tale", "raw", "long", "json", "forced")


@dataclass
class Progress:
    step: int = 0
    num_tokens: int = 0
    seconds: float = 0.0
    weights: dict[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    scores: dict[str, float] = field(default_factory=dict)


def orthogonal(update: Tensor) -> Tensor:
    """Newton-Schulz steps towards the nearest orthogonal matrix. Source: Jordan, "Muon", 2024."""
    x: Tensor = update / (update.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


class Trainer:
    """One training run. `run` is the whole of it; everything it needs to go on is in the checkpoint."""

    def __init__(self, work_dir: Path, tokenizer: Tokenizer, *, minutes: float, num_tokens: float) -> None:
        self.work_dir, self.tokenizer = work_dir, tokenizer
        self.limit_s, self.limit_tokens = minutes * 60, num_tokens
        self.model = Mini(Config(vocab_size=tokenizer.get_vocab_size()))
        plant_copying(self.model, related_tokens(tokenizer))
        self.average = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        named = dict(self.model.named_parameters())
        self.matrices = {n: p for n, p in named.items() if p.ndim == 2 and n != "embedding.weight"}
        self.vectors = [p for p in named.values() if p.ndim == 1]
        self.momenta = {n: torch.zeros_like(p) for n, p in self.matrices.items()}
        groups = [
            {"params": [self.model.embedding.weight], "rate": EMBEDDING_RATE},
            {"params": self.vectors, "rate": VECTOR_RATE},
        ]
        self.adam = torch.optim.AdamW(groups, betas=(0.9, 0.97), weight_decay=0.0)
        self.progress, self.rng = Progress(), random.Random(1000)
        self.dev = dev_items(tokenizer, list(WEIGHTS), count=30, seed=777)
        self.pool: list[list[Item]] = []
        self.peak, self.first = 1.0, 0.0  # of the learning rate; where in the schedule the run begins
        self.decay = EMA_DECAY

    def run(self) -> None:
        started, before, losses = time.monotonic(), self.progress.seconds, []
        while (fraction := self.fraction()) < 1:
            losses.append(self.step(fraction))
            self.progress.seconds = before + time.monotonic() - started
            if self.progress.step % 25 == 0:
                self.log(f"loss {sum(losses) / len(losses):.4f} fraction {fraction:.3f}")
                losses = []
            if self.progress.step % SAVE_EVERY_STEPS == 0:
                self.checkpoint("checkpoint.pt")
        self.checkpoint("final.pt")

    def fraction(self) -> float:
        """How far the schedule is, 0 to 1."""
        done = max(self.progress.num_tokens / self.limit_tokens, self.progress.seconds / self.limit_s)
        return self.first + (1 - self.first) * done

    def rate(self, fraction: float) -> float:
        """Factor of all learning rates."""
        warm = min(1.0, (self.progress.step + 1) / WARMUP_STEPS)
        falling = (1 - fraction) / (1 - CONSTANT_UNTIL)
        return self.peak * warm * min(1.0, max(0.02, falling))

    def step(self, fraction: float) -> float:
        groups = [self.next_batch(fraction) for _ in range(MICROS)]
        micros = [tensors(group) for group in groups]
        total = sum(float(weights.sum()) for _, _, weights in micros)
        loss_sum = 0.0
        for group, (inputs, targets, weights) in zip(groups, micros, strict=True):
            wanted = weights > 0
            logits = self.model.logits(self.model.hidden(inputs)[wanted])
            logits = logits + grammar(group, wanted, logits.shape[-1])
            each = functional.cross_entropy(logits, targets[wanted], reduction="none")
            loss = (each * weights[wanted]).sum() / total
            torch.autograd.backward(loss)
            loss_sum += loss.item()
            self.progress.num_tokens += inputs.numel()
        self.update(fraction)
        self.progress.step += 1
        return loss_sum

    @torch.no_grad()
    def update(self, fraction: float) -> None:
        rate = self.rate(fraction)
        nn.utils.clip_grad_norm_([self.model.embedding.weight, *self.vectors], 1.0)
        for group in self.adam.param_groups:
            group["lr"] = group["rate"] * rate
        self.adam.step()
        masks = planted_masks(self.model, slow=0.1 if fraction < 1 / 3 else 0.5)
        for name, matrix in self.matrices.items():
            gradient, momentum = matrix.grad, self.momenta[name]
            assert gradient is not None
            momentum.lerp_(gradient, 0.05)
            shape_gain = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            change = orthogonal(gradient.lerp(momentum, 0.95)) * shape_gain + MATRIX_DECAY * matrix
            matrix.sub_(change * masks.get(name, 1.0), alpha=MATRIX_RATE * rate)
        self.model.zero_grad(set_to_none=True)
        decay = min(self.decay, 1 - 1 / (self.progress.step + 2))
        for name, parameter in self.model.named_parameters():
            self.average[name].lerp_(parameter, 1 - decay)

    def next_batch(self, fraction: float) -> list[Item]:
        """Short samples first, and random copying at first, because copying forms fastest on them."""
        if not self.pool:
            longest = 90 if fraction < 0.06 else 250 if fraction < 0.2 else 1500
            items = draw(self.tokenizer, self.rng, self.progress.weights, POOL, longest)
            num_copies = int(0.1 * POOL * max(0.0, 1 - fraction / 0.35))
            size = self.model.config.vocab_size
            items += [random_copy(self.rng, size) for _ in range(num_copies)]
            self.pool = batches(items, MICRO_TOKENS)
            self.rng.shuffle(self.pool)
        return self.pool.pop()

    def checkpoint(self, name: str) -> None:
        """Score the averaged weights on dev, draw weak skills more often, write all of the state."""
        self.progress.scores = self.score_average()
        for skill, base in WEIGHTS.items():
            factor = 1.0 if skill in NOT_WEIGHED else 0.35 + 2.0 * (1 - self.progress.scores[skill])
            self.progress.weights[skill] = base * factor
        self.log("dev " + " ".join(f"{k} {v:.2f}" for k, v in self.progress.scores.items()))
        state = {
            "config": asdict(self.model.config),
            "model": self.model.state_dict(),
            "average": self.average,
            "adam": self.adam.state_dict(),
            "momenta": self.momenta,
            "progress": asdict(self.progress),
            "random": self.rng.getstate(),
        }
        torch.save(state, self.work_dir / (name + ".part"))
        (self.work_dir / (name + ".part")).replace(self.work_dir / name)

    def resume(self) -> None:
        state = torch.load(self.work_dir / "checkpoint.pt", weights_only=False)
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["adam"])
        self.average, self.momenta = state["average"], state["momenta"]
        self.progress = Progress(**state["progress"])
        self.progress.weights = dict(WEIGHTS) | self.progress.weights
        self.rng.setstate(state["random"])

    def tune(self, path: Path, rate: float) -> None:
        """Go on from the averaged weights of a finished run, at `rate` of the learning rate and falling."""
        state = torch.load(path, weights_only=False)
        self.model.load_state_dict(state["average"])
        self.average = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.adam.load_state_dict(state["adam"])
        self.momenta = state["momenta"]
        self.progress.weights |= state["progress"]["weights"]
        self.progress.step = WARMUP_STEPS  # the momenta are warm already
        self.peak, self.first, self.decay = rate, CONSTANT_UNTIL, TUNE_DECAY
        self.rng = random.Random(1000 + state["progress"]["step"])  # other samples than that run had

    def score_average(self) -> dict[str, float]:
        trained = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.model.load_state_dict(self.average)
        scores = {skill: exact_share(self.model, items) for skill, items in self.dev.items()}
        self.model.load_state_dict(trained)
        return scores

    def log(self, text: str) -> None:
        done = self.progress
        line = f"step {done.step} tokens {done.num_tokens / 1e6:.2f}M seconds {done.seconds:.0f} {text}\n"
        with (self.work_dir / "train.log").open("a") as file:
            file.write(line)


@torch.no_grad()
def exact_share(model: Mini, items: list[Item]) -> float:
    """Share of items whose every answer token is the most likely one, that is, greedy decoding is right."""
    right = 0
    for group in batches(items, 6000):
        inputs, targets, weights = tensors(group)
        logits = model.logits(model.hidden(inputs))
        everywhere = torch.ones_like(targets, dtype=torch.bool)
        best = (logits + grammar(group, everywhere, logits.shape[-1]).view_as(logits)).argmax(-1)
        right += int(((best == targets) | (weights == 0)).all(1).sum())
    return right / len(items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work_dir", type=Path)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--tokens", type=float, default=24e6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--tune", type=Path, help="the final.pt of a finished run to go on from")
    parser.add_argument("--rate", type=float, default=0.25, help="of the learning rate when tuning")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    trainer = Trainer(
        args.work_dir, load_tokenizer(args.work_dir), minutes=args.minutes, num_tokens=args.tokens
    )
    if args.resume:
        trainer.resume()
    if args.tune:
        trainer.tune(args.tune, args.rate)
    trainer.log(json.dumps(asdict(trainer.model.config)))
    trainer.run()


if __name__ == "__main__":
    main()
