"""POST /v1/tokens: short-lived access tokens, for browsers that hold no key."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from service.api.keys import KeyDep
from service.api.problems import responses
from service.api.state import ServiceDep
from service.errors import Unavailable

router = APIRouter(tags=["access"])


class AccessToken(BaseModel):
    """What opens this service for a short while."""

    token: str = Field(
        description="Shown as the WebSocket subprotocol `attune.token.` and the token, as the query parameter `token` "
        "of /v1/stream, or in place of a key as `Authorization: Bearer`."
    )
    expires_in: float = Field(description="Seconds for which it is accepted. What was opened by then goes on.")


@router.post("/v1/tokens", responses=responses(Unavailable))
async def make_token(service: ServiceDep, key: KeyDep, response: Response) -> AccessToken:
    """Make an access token with an API key. It does what the key does, except to make further tokens, and counts
    against its limits. Every replica that shares the checkpoint key accepts it."""
    response.headers["Cache-Control"] = "no-store"
    return AccessToken(token=service.gate.token(key), expires_in=service.settings.token_lifetime)
