"""A chat template by name or from a file."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from polychat.engines.templates import layout
from polychat.engines.templates.families import FAMILIES
from polychat.errors import SetupError


@dataclass(frozen=True, slots=True)
class Template:
    """A conversation's way into a prompt, and what ends an answer besides the model's end tokens.

    jinja: as `transformers`, vLLM and llama.cpp render it. It writes the BOS token itself where there must
        be one, so that a rendered prompt is tokenized without adding special tokens.
    """

    name: str
    jinja: str
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()


def names() -> list[str]:
    """Every name of the table, in its order."""
    return list(FAMILIES)


def find(name_or_path: str) -> Template:
    """The template of the table with this name, in whatever case, or the one in this file.

    Raises:
        SetupError: there is neither, or the file holds no template.
    """
    name = _known(name_or_path)
    if name:
        return of_family(name)
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return _read(path)
    raise SetupError(
        f"there is no chat template {name_or_path!r}: it is neither a file nor a name"
        f"{_nearest(name_or_path)}; `polychat templates` lists the names"
    )


def of_family(name: str, *, bos: bool | None = None) -> Template:
    """The template of a name of the table.

    bos: whether the text begins with the BOS token; None: as the family's tokenizers have it.
    """
    family = FAMILIES[name]
    wanted = family.bos if bos is None else bos
    jinja = layout.jinja(family.layout, name, default=family.default, bos=wanted)
    return Template(name, jinja, family.stop, family.stop_token_ids)


def as_file(name_or_path: str, folder: Path) -> Path:
    """The file to give a program that takes templates by path; one of the table is written into `folder`.

    Raises:
        SetupError: as `find`.
    """
    template = find(name_or_path)
    if not _known(name_or_path):
        return Path(name_or_path).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{template.name}.jinja"
    path.write_text(template.jinja, encoding="utf-8")
    return path


def refusal(model: str) -> str:
    """What to say of a model that has no chat template and is in no table."""
    return (
        f"{model} has no chat template of its own: pass --chat-template FILE or NAME "
        "(`polychat templates` lists the names), as a wrong one would spoil every answer"
    )


def _known(name: str) -> str:
    """The name as the table writes it; "" if it is none."""
    return {known.lower(): known for known in FAMILIES}.get(name.lower(), "")


def _nearest(name: str) -> str:
    known = {candidate.lower(): candidate for candidate in FAMILIES}
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    return f" (nearest: {', '.join(known[candidate] for candidate in close)})" if close else ""


def _read(path: Path) -> Template:
    try:
        jinja = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(
            f"{path} cannot be read as a chat template ({_cause(exc)}); give a text file"
        ) from exc
    _require_template(path, jinja)
    return Template(path.stem, jinja)


def _require_template(path: Path, jinja: str) -> None:
    """As far as can be told here: Jinja itself comes with engines that render templates in Python."""
    if "messages" not in jinja:
        raise SetupError(f"{path} is no chat template: it never mentions `messages`; give a Jinja file")
    try:
        from jinja2 import Environment, TemplateSyntaxError
    except ImportError:
        return
    if "endgeneration" in jinja:  # a block that only transformers knows
        return
    try:
        Environment(extensions=["jinja2.ext.loopcontrols"]).parse(jinja)
    except TemplateSyntaxError as exc:
        raise SetupError(f"{path}, line {exc.lineno}: no valid Jinja: {exc.message}") from exc


def _cause(exc: Exception) -> str:
    return exc.strerror or str(exc) if isinstance(exc, OSError) else "not UTF-8"
