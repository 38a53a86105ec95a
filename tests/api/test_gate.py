"""Who is let in, under which name, and for how long."""

import hmac
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import gate as module
from service.api.gate import ANONYMOUS, Gate, Shown
from service.api.signing import Signer
from service.credentials import entry, parse
from service.errors import Unauthorized

SECRETS = {"attune_one": "web", "attune_two": "app", "attune_three": "web"}
KEYS = parse(",".join(entry(name, key) for key, name in SECRETS.items()))
LIFETIME = 60.0


@dataclass
class World:
    """A gate and the clock that its tokens go by."""

    now: float = 1_000_000.0
    signed: int = 0
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.gate = self.another()

    def another(self, keys: str | None = None, secret: bytes = b"s" * 32) -> Gate:
        """The gate of another replica."""

        def signer() -> Signer:
            self.signed += 1
            return Signer(secret, model={}, clock=lambda: self.now)

        return Gate(KEYS if keys is None else parse(keys), signer, LIFETIME)

    def token(self, key: str = "attune_one") -> str:
        """A token that the holder of `key` gets."""
        return self.gate.token(self.gate.holder(Shown(bearer=key)))


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("key", "name"), SECRETS.items())
def test_a_key_is_known_by_its_name_and_needs_no_signature(world: World, key: str, name: str) -> None:
    assert world.gate.admit(Shown(bearer=key)) == name
    assert world.signed == 0


@given(
    st.text(max_size=60) | st.sampled_from([KEYS[0].digest.hex(), "attune_on", "attune_onee", "attune_one,attune_two"])
)
def test_nothing_else_opens_not_even_the_hash_that_is_configured(shown: str) -> None:
    for credentials in (Shown(bearer=shown), Shown(token=shown), Shown()):
        with pytest.raises(Unauthorized):
            World().gate.admit(credentials)


def test_every_hash_is_compared_in_constant_time_whichever_is_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    class Watched:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(module, "hmac", Watched)
    counts = set()
    for key in SECRETS:
        compared.clear()
        world.gate.admit(Shown(bearer=key))
        counts.add(len(compared))
        assert {len(one) for pair in compared for one in pair} == {32}
    assert counts == {len(KEYS)}


def test_a_key_is_no_token_so_that_none_gets_into_an_address(world: World) -> None:
    with pytest.raises(Unauthorized):
        world.gate.admit(Shown(token="attune_one"))  # noqa: S106 - no secret


def test_a_token_opens_wherever_a_key_does_until_it_expires(world: World) -> None:
    token = world.token()
    world.now += LIFETIME - 1
    for shown in (Shown(bearer=token), Shown(token=token)):
        assert world.gate.admit(shown) == "web"
        assert world.another().admit(shown) == "web"
    world.now += 2
    for shown in (Shown(bearer=token), Shown(token=token)):
        with pytest.raises(Unauthorized, match="expired"):
            world.gate.admit(shown)


def test_a_token_makes_no_further_token(world: World) -> None:
    with pytest.raises(Unauthorized):
        world.gate.holder(Shown(bearer=world.token()))
    with pytest.raises(Unauthorized):
        world.gate.holder(Shown(token=world.token()))


def test_a_token_ends_with_the_key_that_made_it_though_another_of_its_name_stays(world: World) -> None:
    token = world.token("attune_one")
    rest = world.another(entry("web", "attune_three"))
    with pytest.raises(Unauthorized, match="made with one"):
        rest.admit(Shown(bearer=token))
    assert rest.admit(Shown(bearer=world.token("attune_three"))) == "web"


def test_a_token_of_replicas_with_another_secret_or_of_another_kind_does_not_open(world: World) -> None:
    with pytest.raises(Unauthorized):
        world.another(secret=b"t" * 32).admit(Shown(bearer=world.token()))
    other = Signer(b"s" * 32, model={}).make("checkpoint", b"", caller="", lifetime=60, name="web", key="")
    with pytest.raises(Unauthorized):
        world.gate.admit(Shown(bearer=other))


@given(st.data())
def test_a_token_that_was_altered_anywhere_does_not_open(data: st.DataObject) -> None:
    world = World()
    token = world.token()
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda one: one != token[place]))
    with pytest.raises(Unauthorized):
        world.gate.admit(Shown(token=token[:place] + letter + token[place + 1 :]))


def test_where_no_key_is_asked_for_anybody_comes_in_and_gets_a_token_that_opens_no_locked_door(world: World) -> None:
    signer = Signer(b"s" * 32, model={}, clock=lambda: world.now)
    open_gate = Gate((), lambda: signer, LIFETIME)
    for shown in (Shown(), Shown(bearer="whatever"), Shown(token="whatever")):  # noqa: S106 - no secret
        assert open_gate.admit(shown) == ANONYMOUS
    token = open_gate.token(open_gate.holder(Shown()))
    with pytest.raises(Unauthorized):
        world.gate.admit(Shown(bearer=token))
