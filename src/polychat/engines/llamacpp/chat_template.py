"""The chat template that llama.cpp renders with: the one asked for, the file's own, or its family's."""

import logging

from polychat.engines import templates
from polychat.engines.gguf_header import Header
from polychat.engines.llamacpp import vocabulary
from polychat.engines.spec import EngineSpec, ModelFiles
from polychat.engines.templates import Template

log = logging.getLogger(__name__)

OWN = Template("", "")  # of the model's file: llama.cpp reads it there


def chosen(spec: EngineSpec, model: ModelFiles, header: Header) -> Template | None:
    """The template; None if there is none for this model, which then runs no chats.

    Raises:
        SetupError: the one asked for is not there.
    """
    if spec.tuning.chat_template:
        return templates.find(spec.tuning.chat_template)
    if vocabulary.has_chat_template(model.path):
        return OWN
    names = (model.id, model.path.stem)
    found = next(filter(None, (templates.for_model(name, header.architecture, ()) for name in names)), None)
    if found is None and not (header.embeds or header.ranks):
        log.warning("chats are off: %s", templates.refusal(spec.name or model.id))
    return found
