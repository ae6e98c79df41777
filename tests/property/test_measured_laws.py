"""Laws of measured signals: what they may depend on, and what they may not."""

from hypothesis import given
from hypothesis import strategies as st

from entity_index.types import Entity, Question
from reward_service.core.measured import MEASURES
from reward_service.core.profiles import parse_profile
from reward_service.core.scoring import measure, measure_group
from reward_service.core.signals import MEASURED, RANGES
from reward_service.core.types import Outcome, Rollout, Segment, SegmentKind, Steps

QUESTION = Question("Who?", ("Zoë O'Hara", "1887"), (Entity("Zanderheim"), Entity("Quillock")))
PROFILE = parse_profile(
    "name: mine\nreward:\n  terms: [" + ", ".join(f"{{signal: {name}}}" for name in MEASURED) + "]\n"
    "  turn_terms: [{signal: answer_seen_turn}]\n  turns: {combine: add}"
)
WORDS = (
    "Zanderheim",
    "Quillock",
    "Zoe",
    "OHara",
    "Zoë O\u2019Hara",
    "1887",
    "1887a",
    "and",
    "",
    "\n",
    "é",
    "王",
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
SEGMENTS = st.lists(st.builds(Segment, st.sampled_from(SegmentKind), TEXTS), max_size=8)
GROUPS = st.lists(SEGMENTS, min_size=1, max_size=5)


def rollouts(group):
    return [Rollout(str(n), Steps(tuple(one)), outcome=Outcome.WRONG) for n, one in enumerate(group)]


def numbers(segments):
    facts = measure(rollouts([segments])[0], QUESTION, PROFILE)
    return dict(facts.measured), facts.turn_signals["answer_seen_turn"]


@given(group=GROUPS)
def test_a_rollout_has_the_same_numbers_in_any_group(group):
    together = measure_group(rollouts(group), QUESTION, PROFILE)

    assert [(dict(one.measured), one.turn_signals["answer_seen_turn"]) for one in together] == [
        numbers(one) for one in group
    ]


@given(segments=SEGMENTS)
def test_every_number_is_in_its_range(segments):
    found, _ = numbers(segments)

    assert found.keys() == MEASURES.keys()
    for name, number in found.items():
        low, high = RANGES.get(name, (0, float("inf")))
        assert low <= number <= high, name


@given(segments=SEGMENTS)
def test_the_answer_is_seen_exactly_if_one_turn_shows_it_first(segments):
    found, by_turn = numbers(segments)

    assert sum(by_turn) == found["answer_seen"]
    assert found["turns"] == len(by_turn)


@given(segments=SEGMENTS, text=TEXTS)
def test_what_the_policy_writes_shows_no_answer(segments, text):
    thought = Segment(SegmentKind.THOUGHT, text)

    assert numbers([thought, *segments])[0]["answer_seen"] == numbers(segments)[0]["answer_seen"]


@given(segments=SEGMENTS, text=TEXTS)
def test_another_page_never_hides_an_answer(segments, text):
    page = Segment(SegmentKind.TOOL_RESPONSE, text)

    assert numbers([*segments, page])[0]["answer_seen"] >= numbers(segments)[0]["answer_seen"]
    shown = Segment(SegmentKind.TOOL_RESPONSE, f"{text} zoe ohara.")
    assert numbers([*segments, shown])[0]["answer_seen"] == 1


@given(segments=SEGMENTS)
def test_pages_before_everything_leave_no_entity_named_before_it_is_seen(segments):
    page = Segment(SegmentKind.TOOL_RESPONSE, "Zanderheim and Quillock")

    assert numbers([page, *segments])[0]["named_before_seen"] == 0


@given(segments=SEGMENTS)
def test_no_more_entities_are_named_early_than_are_matched(segments):
    facts = measure(rollouts([segments])[0], QUESTION, PROFILE)

    assert facts.matched - facts.grounded <= facts.measured["named_before_seen"] <= facts.matched
