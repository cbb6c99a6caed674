"""How a family of models writes a conversation, as a value, and the Jinja text that writes it so.

A family is four pieces of text around what is said. The functions below make them from what FastChat called
separator styles; a family that fits none gives its pieces itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

WHOLE = "{}"  # in a piece: what was said


@dataclass(frozen=True, slots=True)
class Layout:
    """The text around each message; "{}" stands for what it says, and in `user` "{round}" for its number.

    cue: what makes the model answer.
    system: the system message with what follows it; `bare` stands there when it is empty, None meaning
        the same as for any other.
    first: the first user message where it differs from the others.
    """

    user: str
    assistant: str
    cue: str
    system: str = WHOLE
    bare: str | None = None
    first: str | None = None
    first_round: int = 0
    last_turn_only: bool = False
    single_newlines: bool = False  # "\n\n" would end the message


def colon(user: str, assistant: str, sep: str, end: str | None = None, *, space: str = "") -> Layout:
    """`USER: …` and `ASSISTANT: …`; `sep` ends a user's turn and the system message, `end` an answer.

    space: what the cue has after its colon.
    """
    return Layout(
        user=f"{user}: {{}}{sep}",
        assistant=f"{assistant}: {{}}{sep if end is None else end}",
        cue=f"{assistant}:{space}",
        system=WHOLE + sep,
    )


def line(user: str, assistant: str, sep: str) -> Layout:
    """Each role on a line of its own; an empty system message leaves nothing, not even `sep`."""
    return Layout(
        user=f"{user}\n{{}}{sep}",
        assistant=f"{assistant}\n{{}}{sep}",
        cue=f"{assistant}\n",
        system=WHOLE + sep,
        bare="",
    )


def marks(user: str, assistant: str, sep: str = "", end: str | None = None, *, system: str = "") -> Layout:
    """Nothing between a role's mark and what it says; `system` is the mark of the system message."""
    return Layout(
        user=f"{user}{{}}{sep}",
        assistant=f"{assistant}{{}}{sep if end is None else end}",
        cue=assistant,
        system=system + WHOLE,
    )


def chatml(user: str, assistant: str, end: str, *, system: str) -> Layout:
    """`<|im_start|>user` on a line, what it says, `<|im_end|>`; an empty system message is written too."""
    return replace(line(user, assistant, f"{end}\n"), system=f"{system}\n{{}}{end}\n", bare=None)


def inst(end: str, *, system: str = "<<SYS>>\n{}\n<</SYS>>\n\n") -> Layout:
    """`[INST] … [/INST] …`; the system message is in the first user's brackets."""
    return Layout(
        user="[INST] {} ",
        assistant="[/INST] {}" + end,
        cue="[/INST]",
        system=f"[INST] {system}",
        bare="[INST] ",
        first="{} ",
    )


def jinja(layout: Layout, name: str, *, default: str = "", bos: bool = False) -> str:
    """The template of a family.

    default: the system message of a conversation without one.
    bos: the text begins with the variable `bos_token`, for tokenizers that put it first themselves: who
        renders a chat template adds no special tokens afterwards.
    """
    bare = layout.system.replace(WHOLE, "") if layout.bare is None else layout.bare
    lines = [
        f"{{#- {name} -#}}",
        f"{{%- set ns = namespace(system={_quote(default)}, users=0) -%}}",
        *_checks(name),
        f"{{%- if ns.system -%}}{_bos(bos, layout.system)}{_say(layout.system, 'ns.system')}",
        f"{{%- else -%}}{_bos(bos, bare + _opening(layout))}{_say(bare, '')}{{%- endif -%}}",
        *_turns(layout),
        f"{{%- if add_generation_prompt -%}}{_say(layout.cue, '')}{{%- endif -%}}",
    ]
    return "\n".join(lines) + "\n"


def _checks(name: str) -> Iterator[str]:
    """Takes the last system message and refuses what has no place in the template."""
    shows = f"the chat template {name} shows only text of system, user and assistant messages"
    yield "{%- for message in messages -%}"
    yield "{%- if message['content'] is not string or message['tool_calls'] -%}"
    yield f"{{{{- raise_exception({_quote(f'{shows}: no tool calls, no pictures')}) -}}}}"
    yield "{%- elif message['role'] in ['system', 'developer'] -%}{%- set ns.system = message['content'] -%}"
    yield "{%- elif message['role'] not in ['user', 'assistant'] -%}"
    yield f"{{{{- raise_exception({_quote(f'{shows}, not role ')} ~ message['role']) -}}}}"
    yield "{%- endif -%}"
    yield "{%- endfor -%}"


def _turns(layout: Layout) -> Iterator[str]:
    said = "message['content']"
    if layout.single_newlines:
        said += r" | replace('\r\n', '\n') | replace('\n\n', '\n')"
    if layout.last_turn_only:
        yield "{%- set last = messages[-1:] if add_generation_prompt else messages[-2:] -%}"
    yield f"{{%- for message in {'last' if layout.last_turn_only else 'messages'} -%}}"
    yield "{%- if message['role'] == 'user' -%}"
    if layout.first is not None:
        yield f"{{%- if ns.users == 0 -%}}{_say(layout.first, said)}"
        yield f"{{%- else -%}}{_say(layout.user, said)}{{%- endif -%}}"
    else:
        yield _say(layout.user, said, f"ns.users + {layout.first_round}")
    yield "{%- set ns.users = ns.users + 1 -%}"
    yield f"{{%- elif message['role'] == 'assistant' -%}}{_say(layout.assistant, said)}"
    yield "{%- endif -%}"
    yield "{%- endfor -%}"


def _opening(layout: Layout) -> str:
    return layout.user if layout.first is None else layout.first


def _bos(wanted: bool, text: str) -> str:
    """Nothing where the text has the token already: there must be exactly one."""
    return "{{- bos_token -}}" if wanted and not text.startswith("<s>") else ""


def _say(piece: str, said: str, number: str = "") -> str:
    """One expression that writes a piece of the layout."""
    before, _, after = piece.partition(WHOLE)
    head, found, tail = before.partition("{round}")
    parts = [head, f"({number})", tail] if found else [before]
    values = [part if found and part == parts[1] else _quote(part) for part in parts if part]
    values += [f"({said})"] if WHOLE in piece and said else []
    values += [_quote(after)] if after else []
    return f"{{{{- {' ~ '.join(values)} -}}}}" if values else ""


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
