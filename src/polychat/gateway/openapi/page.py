"""The OpenAPI document as one HTML page: no script, and nothing asked of anybody else."""

import functools
import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from polychat.gateway.openapi.document import describe

Json = dict[str, Any]  # parts of the document

SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
h2 { border-bottom: 1px solid #ccc; margin-top: 2.5rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto }
table { border-collapse: collapse; margin: .5rem 0 } td, th { border: 1px solid #ccc; padding: .2rem .6rem;
  text-align: left; vertical-align: top }
summary { cursor: pointer; padding: .3rem 0 } summary b { display: inline-block; width: 4.5rem }
details > div { margin: 0 0 1rem 1.2rem }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616 } pre { background: #262626 }
  a { color: #8bf } h2, td, th { border-color: #555 } }
"""


@functools.cache
def page() -> bytes:
    """The page."""
    return "".join(_page(describe())).encode()


def _page(document: Json) -> Iterable[str]:
    info, schemas = document["info"], document["components"]["schemas"]
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])} API</title>"
    yield '<meta name=viewport content="width=device-width">'
    yield f"<style>{_STYLE}</style><h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
    yield f"<p>{_words(info['description'])} <a href=/openapi.json>openapi.json</a></p>"
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(method, path, operation)
    yield "<h2>Schemas</h2>"
    for name, schema in sorted(schemas.items()):
        yield from _schema(name, schema)


def _operation(method: str, path: str, operation: Json) -> Iterable[str]:
    yield f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
    yield f"{escape(operation['summary'])}</summary><div>"
    yield f"<p>{_words(operation.get('description', ''))}</p>"
    if parameters := operation.get("parameters"):
        rows = [(p["name"], f"in {p['in']}, {_kind(p['schema'])}") for p in parameters]
        yield _table("parameter", "type", rows)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Request: <code>{media_type}</code>, {_kind(content['schema'])}</p>"
        if example := content.get("example"):
            yield f"<pre>{escape(json.dumps(example, indent=2))}</pre>"
    rows = [(status, _answer(answer)) for status, answer in operation["responses"].items()]
    yield _table("status", "answer", rows) + "</div></details>"


def _answer(answer: Json) -> str:
    types = [
        f"<code>{media_type}</code> {_kind(_piece(content.get('schema', {})))}"
        for media_type, content in answer["content"].items()
    ]
    return f"{_words(answer['description'])}<br>{'<br>'.join(types)}"


def _piece(schema: Json) -> Json:
    """What an event carries is more telling than what an event is."""
    data: Json = schema.get("properties", {}).get("data", schema)
    return {"anyOf": [each.get("contentSchema", each) for each in data.get("anyOf", [data])]}


def _schema(name: str, schema: Json) -> Iterable[str]:
    # A link to what is inside opens it; one to the whole would show it shut.
    yield f"<details><summary><code>{escape(name)}</code></summary><div id={escape(name)}>"
    yield f"<p>{_words(schema.get('description', ''))}</p>"
    required = schema.get("required", ())
    rows = [
        (field, _kind(kind) + (", required" if field in required else ""))
        for field, kind in schema.get("properties", {}).items()
    ]
    yield (_table("field", "type", rows) if rows else f"<p>{_kind(schema)}</p>") + "</div></details>"


def _kind(schema: Json) -> str:
    """A schema in a few words, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href=#{name}>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"] if each != {"type": "null"})
    if "const" in schema:
        return f"<code>{escape(schema['const'])}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if schema.get("items"):
        return f"list of {_kind(schema['items'])}"
    limits = [f"{word} {escape(str(schema[key]))}" for key, word in _LIMITS.items() if key in schema]
    return " ".join([escape(str(schema.get("type", "anything"))), *limits])


_LIMITS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "of at least",
    "maxLength": "of at most",
    "pattern": "like",
}


def _words(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _table(name: str, what: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"<tr><td><code>{escape(key)}</code><td>{value}" for key, value in rows)
    return f"<table><tr><th>{name}<th>{what}{lines}</table>"
