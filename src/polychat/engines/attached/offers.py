"""Which of a server's models are offered, and under which names. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from polychat.engines.attached.models import Model
from polychat.errors import SetupError

MAX_SHOWN = 8  # ids in an error


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a server. Without `names` all that `patterns` match, or simply all."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the server's name -> public names
    patterns: tuple[str, ...] = ()  # such as "qwen/*"
    is_sure: bool = False  # the models of `names` are there, whether the server lists them or not


@dataclass(frozen=True, slots=True)
class Offered:
    """A model as clients may ask for it."""

    names: tuple[str, ...]  # the first is its public id
    model: Model


def offered(models: Sequence[Model], wish: Wish) -> tuple[Offered, ...]:
    """What a server that has `models` offers, as far as wished."""
    if wish.names:
        known = {model.id: model for model in models}
        if wish.is_sure:
            known = {id_: known.get(id_) or Model(id_) for id_ in wish.names}
        chosen = [(known[id_], names) for id_, names in wish.names.items() if id_ in known]
    else:
        chosen = [(model, (model.id,)) for model in models if _matches(model.id, wish.patterns)]
    ids = {name for _, names in chosen for name in names}
    short = Counter(_short(name) for name in ids)
    return tuple(
        Offered(
            tuple(dict.fromkeys(each for name in names for each in _both(name, ids, short))),
            model,
        )
        for model, names in chosen
    )


def wish_of(words: Sequence[str], models: Sequence[Model]) -> Wish:
    """`--model-names` for a server that has `models`: NAME=ID offers its model ID as NAME; names alone are
    those of its only model, or choose among several.

    Raises:
        SetupError: a name does not say which model it is for.
    """
    ids = [model.id for model in models]
    by_word = {word: id_ for id_ in ids for word in (_short(id_), id_)}
    names: dict[str, tuple[str, ...]] = {}
    for word in words:
        public, equals, id_ = word.partition("=")
        if not equals:
            id_ = ids[0] if len(ids) == 1 else by_word.get(word, "")
        if id_ not in ids or not public:
            raise SetupError(
                f"--model-names {word!r} does not say which model it is for; the server has {_shown(ids)}: "
                "write NAME=ID"
            )
        names[id_] = (*names.get(id_, ()), public)
    return Wish(names)


def _matches(id_: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(id_, pattern) for pattern in patterns)


def _both(name: str, ids: set[str], short: Counter[str]) -> tuple[str, ...]:
    """A name and its last segment, unless that could be another model too."""
    last = _short(name)
    return (name, last) if last and last not in ids and short[last] == 1 else (name,)


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _shown(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_SHOWN} more" if len(ids) > MAX_SHOWN else ""
    return ", ".join(ids[:MAX_SHOWN]) + more
