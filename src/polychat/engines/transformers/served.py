"""A model that generates, with what its texts need around it."""

from dataclasses import dataclass, field

from polychat.engines.transformers.asking import Limits
from polychat.engines.transformers.job import Generator, OpenModel
from polychat.engines.transformers.pictures import Pictures
from polychat.engines.transformers.reading import Marks
from polychat.engines.transformers.text import Text


@dataclass(frozen=True, slots=True)
class Served:
    """What answers chats and completions."""

    name: str
    model: OpenModel
    generator: Generator
    text: Text
    pictures: Pictures | None = None
    stop: tuple[str, ...] = ()  # that the chat template asks for
    stop_token_ids: tuple[int, ...] = ()
    marks: Marks | None = None  # how the model writes calls; None: it does not
    thinks: bool = False  # it may begin with thoughts
    gone_adapters: set[str] = field(default_factory=set)  # unloaded: not to be answered by the base model

    @property
    def limits(self) -> Limits:
        return Limits(self.model.context_length, self.text.num_ids, self.model.default_sampling)

    @property
    def shows_special(self) -> bool:
        """Whether calls begin with a token that is usually left out of texts."""
        return self.marks is not None and self.text.is_special(self.marks.opens)

    @property
    def goes_on(self) -> bool:
        """Whether the answer's text continues the prompt's; an encoder's prompt is a text apart."""
        return self.model.reads_prompts
