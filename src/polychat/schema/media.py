"""Audio and images: the requests. Forms are checked by the same types, a file in them is its name.

Source: https://github.com/openai/openai-openapi, CreateSpeechRequest, CreateTranscriptionRequest,
CreateTranslationRequest, CreateImageRequest, CreateImageEditRequest and CreateImageVariationRequest.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from polychat.schema.generation import NonEmpty
from polychat.schema.validation import parser_of

Size = Annotated[str, Meta(pattern=r"^(auto|[0-9]{1,5}x[0-9]{1,5})$")]
ImageCount = Annotated[int, Meta(ge=1, le=10)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Quality = Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"]
Granularity = Literal["word", "segment"]

ALLOWED = {  # what a field may be, where the type does not say it all
    "input": "a text of 1 to 4096 characters",
    "voice": "the name of a voice, or an object with its 'id'",
    "speed": "a number from 0.25 to 4",
    "stream_format": "'audio' or 'sse'",
    "temperature": "a number from 0 to 1",
    "timestamp_granularities[]": "'word' or 'segment'",
    "size": "'auto' or WIDTHxHEIGHT, such as '1024x1024'",
    "n": "an integer from 1 to 10",
    "quality": "one of 'low', 'medium', 'high', 'xhigh', 'max', 'auto', 'standard' and 'hd'",
    "output_compression": "an integer from 0 to 100",
    "output_format": "one of 'png', 'webp', 'jpeg', 'gif' and 'svg'",
    "partial_images": "an integer from 0 to 3",
    "background": "one of 'transparent', 'opaque' and 'auto'",
    "moderation": "'low' or 'auto'",
    "style": "'vivid' or 'natural'",
    "input_fidelity": "'high' or 'low'",
}
_OF_SPEECH = {"response_format": "one of 'mp3', 'opus', 'aac', 'flac', 'wav' and 'pcm'"}
_OF_TEXT = {"response_format": "one of 'json', 'text', 'srt', 'verbose_json', 'vtt' and 'diarized_json'"}
_OF_IMAGES = {"response_format": "'url' or 'b64_json'"}


class VoiceId(msgspec.Struct):
    id: NonEmpty


class SpeechRequest(msgspec.Struct, kw_only=True):
    """POST /v1/audio/speech."""

    model: NonEmpty
    input: Annotated[str, Meta(min_length=1, max_length=4096)]
    voice: NonEmpty | VoiceId
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4)] | None = None
    stream_format: Literal["audio", "sse"] | None = None

    @property
    def stream(self) -> bool:
        return self.stream_format == "sse"


class TranslationForm(msgspec.Struct, kw_only=True):
    """POST /v1/audio/translations."""

    file: str
    model: NonEmpty
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    stream: bool | None = None


class TranscriptionForm(TranslationForm, kw_only=True):
    """POST /v1/audio/transcriptions."""

    language: str | None = None
    timestamp_granularities: Granularity | list[Granularity] | None = None


class ImageOptions(msgspec.Struct, kw_only=True):
    """What the routes that make images share."""

    model: NonEmpty
    n: ImageCount | None = None
    response_format: Literal["url", "b64_json"] | None = None
    size: Size | None = None
    user: str | None = None


class DrawingOptions(ImageOptions, kw_only=True):
    """What drawing and changing an image share."""

    prompt: NonEmpty
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_compression: Percent | None = None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | None = None
    partial_images: Annotated[int, Meta(ge=0, le=3)] | None = None
    quality: Quality | None = None
    stream: bool | None = None


class ImageRequest(DrawingOptions, kw_only=True):
    """POST /v1/images/generations."""

    moderation: Literal["low", "auto"] | None = None
    style: Literal["vivid", "natural"] | None = None


class ImageEditForm(DrawingOptions, kw_only=True):
    """POST /v1/images/edits."""

    image: str | list[str]
    mask: str | None = None
    input_fidelity: Literal["high", "low"] | None = None


class ImageVariationForm(ImageOptions, kw_only=True):
    """POST /v1/images/variations."""

    image: str

    @property
    def stream(self) -> bool:
        return False


parse_speech = parser_of(SpeechRequest, ALLOWED | _OF_SPEECH)
parse_transcription = parser_of(TranscriptionForm, ALLOWED | _OF_TEXT)
parse_translation = parser_of(TranslationForm, ALLOWED | _OF_TEXT)
parse_image = parser_of(ImageRequest, ALLOWED | _OF_IMAGES)
parse_image_edit = parser_of(ImageEditForm, ALLOWED | _OF_IMAGES)
parse_image_variation = parser_of(ImageVariationForm, ALLOWED | _OF_IMAGES)
