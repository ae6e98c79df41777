"""Every place that names an entity, whoever wrote it, and why the best of them earn nothing."""

from reward_service import Entity, Question, Rollout, Segment, SegmentKind, Steps, measure, shipped
from reward_service.core.matching import MatchSpec, all_mentions

THOUGHT, CALL, RESPONSE = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE
QUESTION = Question("Who knew Quillock?", ("x",), (Entity("Zanderheim"), Entity("Quillock", ("Old Q",))))
SEGMENTS = [
    Segment(THOUGHT, "Quillock, then Zanderheim, then zanderheim"),
    Segment(CALL, "search Zanderheim"),
    Segment(RESPONSE, "Old Q lived here"),
]


def named(spec):
    found = all_mentions(SEGMENTS, QUESTION, spec)
    return sorted((one.segment, SEGMENTS[one.segment].text[one.start : one.end], one.entity) for one in found)


def test_calls_responses_and_masked_entities_are_among_them():
    assert named(MatchSpec()) == [
        (0, "Quillock", 1),
        (0, "Zanderheim", 0),
        (0, "zanderheim", 0),
        (1, "Zanderheim", 0),
        (2, "Old Q", 1),
    ]


def test_the_papers_rule_finds_names_to_the_letter():
    assert named(MatchSpec(kind="substring")) == [
        (0, "Quillock", 1),
        (0, "Zanderheim", 0),
        (1, "Zanderheim", 0),
    ]


def test_uncredited_evidence_has_its_reason():
    names = [f"Alpha{n} Beta{n}" for n in range(30)]
    question = Question("Who?", ("x",), tuple(map(Entity, names[:2])))
    rollout = Rollout("0", Steps((Segment(THOUGHT, ", ".join(names)),)))

    facts = measure(rollout, question, shipped()["egrpo"], explain=True)

    assert facts.uncredited == {"listed": 2}
    assert facts.evidence.reasons == ("listed", "listed")
    assert [match.entity for match in facts.evidence.uncredited] == [0, 1]
