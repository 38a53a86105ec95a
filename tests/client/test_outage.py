from service.client.outage import Outage


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tries(outage: Outage, clock: Clock) -> int:
    """How often an outage that nothing mends is tried."""
    count = 0
    while (pause := outage.next_try(0.0, None)) is not None:
        clock.now += pause
        count += 1
    return count


def test_the_first_try_comes_at_once_and_later_ones_after_growing_pauses() -> None:
    clock = Clock()
    outage = Outage(1000, clock)
    pauses = [outage.next_try(0.0, None) for _ in range(12)]
    assert pauses[0] == 0
    assert all(pause is not None and 0 < pause <= 3 for pause in pauses[1:])
    assert (pauses[1] or 0) <= 0.1
    assert (pauses[-1] or 0) >= 1.5


def test_patience_is_bounded_in_time() -> None:
    clock = Clock()
    assert tries(Outage(30, clock), clock) < 40
    assert 125 < clock.now <= 130


def test_getting_on_gives_new_patience() -> None:
    clock = Clock()
    outage = Outage(30, clock)
    tries(outage, clock)
    outage.over()
    assert outage.next_try(0.0, None) == 0


def test_so_does_a_connection_that_held_out_long() -> None:
    clock = Clock()
    outage = Outage(30, clock)
    tries(outage, clock)
    clock.now += 40
    assert outage.next_try(10.0, None) is None
    assert outage.next_try(40.0, None) == 0


def test_a_server_that_names_a_time_is_believed_while_patience_lasts() -> None:
    outage = Outage(30, Clock())
    assert outage.next_try(0.0, 7) == 7
    assert outage.next_try(0.0, 31) is None
