"""What docs/asyncapi.yaml says, made from the messages themselves; `python tests/api/asyncapi.py` writes it."""

import inspect
from pathlib import Path
from typing import Any, Final, get_args

import yaml  # type: ignore[import-untyped]
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service import __version__
from service.protocol import frames
from service.protocol.messages import SUBPROTOCOL, ClientMessage, ServerMessage

FILE: Final = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
_JSON, _BINARY = "application/json", "application/octet-stream"
_INFO: Final = (
    f"`{SUBPROTOCOL}`: pictures and sound in, expressed emotions out, while a person speaks. docs/streaming.md tells "
    "in what order messages come. Control messages are JSON text, media are binary messages."
)
_KEY: Final = (
    "An API key, where the service asks for one, or an access token made with it by `POST /v1/tokens`. Browsers, "
    "which can send no header, offer the token as a second subprotocol: `attune.token.` and the token."
)
_IN_QUERY: Final = "An access token, for programs that can name neither a header nor a second subprotocol."
_CHUNK: Final = (
    "Input `container`: the next bytes of one recording (WebM, Matroska, fragmented MP4), cut anywhere, as "
    "MediaRecorder gives them."
)


def messages_of(union: Any) -> list[type[BaseModel]]:
    """The models of an annotated union."""
    return list(get_args(get_args(union)[0]))


def kind_of(model: type[BaseModel]) -> str:
    """The `type` by which a message is known."""
    return str(model.model_fields["type"].default)


def document() -> dict[str, Any]:
    """The whole AsyncAPI 3 document."""
    client, server = messages_of(ClientMessage), messages_of(ServerMessage)
    models = {kind_of(model): model for model in (*client, *server)}
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation" if model in client else "serialization") for model in models.values()
    ]
    schemas = models_json_schema(modes, ref_template="#/components/schemas/{model}")[1]["$defs"]
    binary = {
        "media.chunk": _bytes("A chunk of a recording", _CHUNK),
        "media.frame": _bytes("One picture or one run of samples", "Input `frames`. " + (frames.__doc__ or "").strip()),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Attune: live sessions",
            "version": __version__,
            "description": _INFO,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": {
            "local": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "What `make run` starts.",
                "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("key", "token")],
            }
        },
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "title": "One live session",
                "description": f"Offer the subprotocol `{SUBPROTOCOL}`. A refused handshake is answered with problem "
                "details (RFC 9457). An `error` message precedes every closing but that with 1000.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*models, *binary)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "hear": _operation("receive", "What clients say.", [*map(kind_of, client), *binary]),
            "tell": _operation("send", "What the service says.", list(map(kind_of, server))),
        },
        "components": {
            "messages": {name: _message(name, model) for name, model in models.items()} | binary,
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": _KEY},
                "token": {"type": "httpApiKey", "in": "query", "name": "token", "description": _IN_QUERY},
            },
        },
    }


def _message(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "summary": inspect.cleandoc(model.__doc__ or "").replace("\n", " "),
        "contentType": _JSON,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _bytes(title: str, description: str) -> dict[str, Any]:
    payload = {"type": "string", "format": "binary"}
    return {"title": title, "description": description, "contentType": _BINARY, "payload": payload}


def _operation(action: str, summary: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in names],
    }


if __name__ == "__main__":
    FILE.write_text(yaml.safe_dump(document(), sort_keys=False, width=120, allow_unicode=True))
