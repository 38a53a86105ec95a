"""Who pays for the end of a decoding process, of which nobody knows who brought it about."""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from service.workers.blame import TOLERATED, WINDOW, Fate, Place, Record, judge

PLACES = st.tuples(st.integers(1, 2**40), st.integers(0, 10**6))
NUMBERS = st.integers(0, 9)


@dataclass
class House:
    """One slot: some sessions that kill every process that meets their media, and others that are never at the same
    place twice."""

    poisons: list[int]
    others: list[int]
    deaths: int = 0
    ended: list[int] = field(default_factory=list)
    waiting: deque[int] = field(default_factory=deque)
    """For their turn on probation."""

    def __post_init__(self) -> None:
        self.records = {number: Record() for number in (*self.poisons, *self.others)}

    @property
    def running(self) -> list[int]:
        return [number for number in self.records if number not in self.waiting]

    def place(self, number: int) -> Place:
        return (7, number) if number in self.poisons else (1000 + self.deaths, number)

    def die(self, in_hand: list[int], now: float = 0.0) -> None:
        """The process ends, with the media of these in hand."""
        self.deaths += 1
        running = {number: self.records[number] for number in self.running}
        suspects = {number: self.place(number) for number in in_hand}
        for number, fate in judge(running, culprits=(), suspects=suspects, now=now).items():
            self.records[number].on_probation = False
            if fate is Fate.ENDS:
                self.ended.append(number)
                del self.records[number]
            elif fate is Fate.ON_PROBATION:
                self.waiting.append(number)
        self.let_in()

    def let_in(self) -> None:
        """The next may be decoded, when nobody else is on probation."""
        if self.waiting and not any(record.on_probation for record in self.records.values()):
            self.records[self.waiting.popleft()].on_probation = True

    def get_on(self) -> None:
        """All that run come to their next step, unless that is what kills."""
        for number in self.running:
            if number not in self.poisons:
                self.records[number].on_probation = False
        self.let_in()


@given(numbers=st.sets(NUMBERS, min_size=1), culprits=st.sets(NUMBERS, min_size=1), place=PLACES)
def test_who_is_known_to_have_done_it_ends_alone_and_nothing_is_held_against_the_others(
    numbers: set[int], culprits: set[int], place: Place
) -> None:
    records = {number: Record() for number in numbers}
    fates = judge(records, culprits=culprits, suspects=dict.fromkeys(numbers, place), now=0.0)
    assert fates == {number: Fate.ENDS if number in culprits else Fate.GOES_ON for number in numbers}
    assert all(record.strikes == 0 for record in records.values())


@given(numbers=st.sets(NUMBERS), suspects=st.dictionaries(NUMBERS, PLACES))
def test_nobody_ends_and_nobody_waits_at_a_first_end_that_nobody_explains(
    numbers: set[int], suspects: dict[int, Place]
) -> None:
    fates = judge({number: Record() for number in numbers}, culprits=(), suspects=suspects, now=0.0)
    assert fates == dict.fromkeys(numbers, Fate.GOES_ON)


@given(place=PLACES)
def test_who_alone_has_bytes_in_hand_at_the_same_place_again_ends_at_the_second_end(place: Place) -> None:
    records = {1: Record(), 2: Record()}
    assert judge(records, culprits=(), suspects={1: place}, now=0.0)[1] is Fate.GOES_ON
    assert judge(records, culprits=(), suspects={1: place}, now=0.0) == {1: Fate.ENDS, 2: Fate.GOES_ON}


@given(taken=st.integers(1, 10**6), begins_at=st.integers(1, 10**6), step=st.integers(0, 10**6))
def test_a_place_is_the_same_wherever_in_the_media_the_process_began(taken: int, begins_at: int, step: int) -> None:
    record = Record()
    judge({1: record}, culprits=(), suspects={1: (begins_at + taken, step)}, now=0.0)
    record.begins_at = begins_at
    assert judge({1: record}, culprits=(), suspects={1: (taken, step)}, now=0.0) == {1: Fate.ENDS}


@given(st.data(), st.integers(0, 6))
def test_media_that_kill_at_the_same_place_end_after_a_few_processes_and_those_who_are_elsewhere_go_on(
    data: st.DataObject, others: int
) -> None:
    house = House([0], list(range(1, others + 1)))
    while not house.ended:
        house.die([0, *data.draw(st.lists(st.sampled_from(house.others), unique=True) if others else st.just([]))])
    assert house.ended == [0]
    assert 2 <= house.deaths <= 3 + others  # whoever is struck for the first time may have done it


@given(st.data(), st.integers(1, 5), st.integers(0, 5))
def test_several_that_kill_end_one_by_one_and_nobody_else(data: st.DataObject, poisons: int, others: int) -> None:
    house = House(list(range(poisons)), list(range(poisons, poisons + others)))
    while len(house.ended) < poisons:
        in_hand = [number for number in house.running if number in house.poisons]
        assert in_hand, "one of them is always to be decoded"
        bystanders = [number for number in house.running if number in house.others]
        in_hand += data.draw(st.lists(st.sampled_from(bystanders), unique=True) if bystanders else st.just([]))
        house.die(in_hand)
        house.get_on()
    assert set(house.ended) == set(house.poisons)
    assert house.deaths <= poisons + 2 + others


@given(st.data(), st.integers(1, 4), st.integers(0, 4))
def test_however_they_take_turns_all_end_and_nobody_else_before_the_bound(
    data: st.DataObject, poisons: int, others: int
) -> None:
    house = House(list(range(poisons)), list(range(poisons, poisons + others)))
    near = dict.fromkeys(house.others, 0)
    while len(set(house.ended) & set(house.poisons)) < poisons:
        if not (killers := [number for number in house.running if number in house.poisons]):
            house.get_on()
            continue
        killer = data.draw(st.sampled_from(killers))
        companions = [number for number in house.running if number != killer]
        in_hand = data.draw(st.lists(st.sampled_from(companions), unique=True) if companions else st.just([]))
        for number in near.keys() & set(in_hand):
            near[number] += 1
        house.die([killer, *in_hand])
        if data.draw(st.booleans()):
            house.get_on()
    assert house.deaths <= 3 * poisons + others
    assert all(near[number] > TOLERATED for number in house.ended if number in house.others)


@given(step=st.integers(0, 10**6))
def test_who_has_taken_nothing_yet_is_nowhere_and_ends_at_the_bound_alone(step: int) -> None:
    records = {1: Record()}
    for _ in range(TOLERATED):
        assert judge(records, culprits=(), suspects={1: (0, step)}, now=0.0) == {1: Fate.GOES_ON}
    assert judge(records, culprits=(), suspects={1: (0, step)}, now=0.0) == {1: Fate.ENDS}


@given(place=PLACES)
def test_who_is_on_probation_stays_so_when_another_ends_the_process(place: Place) -> None:
    records = {1: Record(on_probation=True), 2: Record()}
    assert judge(records, culprits=(), suspects={2: place}, now=0.0) == {1: Fate.ON_PROBATION, 2: Fate.GOES_ON}


@given(place=PLACES, elsewhere=PLACES, begun=st.integers(3, TOLERATED))
def test_who_is_slow_does_not_pay_for_one_that_kills_for_the_first_time(
    place: Place, elsewhere: Place, begun: int
) -> None:
    records = {1: Record(on_probation=True), 2: Record()}
    for _ in range(begun - 1):
        records[1].strike(*place, 0.0)
    fates = judge(records, culprits=(), suspects={1: place, 2: elsewhere}, now=0.0)
    assert fates == {1: Fate.ON_PROBATION, 2: Fate.GOES_ON}


@given(st.sets(PLACES, min_size=TOLERATED + 1, max_size=TOLERATED + 1))
def test_who_is_never_at_the_same_place_ends_at_the_bound_and_not_before(places: set[Place]) -> None:
    *before, last = places
    records = {1: Record()}
    for place in before:
        assert judge(records, culprits=(), suspects={1: place}, now=0.0) == {1: Fate.GOES_ON}
    assert judge(records, culprits=(), suspects={1: last}, now=WINDOW / 2) == {1: Fate.ENDS}


@given(st.lists(PLACES, unique=True, max_size=4 * TOLERATED))
def test_who_is_never_at_the_same_place_goes_on_for_ever_where_ends_are_rare(places: list[Place]) -> None:
    records = {1: Record()}
    for number, place in enumerate(places):
        fates = judge(records, culprits=(), suspects={1: place}, now=number * WINDOW / TOLERATED)
        assert fates == {1: Fate.GOES_ON}


@given(st.dictionaries(NUMBERS, PLACES, min_size=1))
def test_sessions_that_are_closed_get_no_fate(suspects: dict[int, Place]) -> None:
    assert judge({}, culprits=suspects, suspects={}, now=0.0) == {}
    assert judge({}, culprits=(), suspects=suspects, now=0.0) == {}
