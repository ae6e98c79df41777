from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.types import Match, Segment, SegmentKind
from tests.unit.matching.rollouts import EGRPO_PAPER


def thought(text: str) -> Segment:
    return Segment(SegmentKind.THOUGHT, text)


def asked(*names: str, aliases: tuple[str, ...] = ()) -> Question:
    return Question("?", (), tuple(Entity(name, aliases) for name in names))


def matched(question: Question, *segments: Segment) -> int:
    return match_group([segments], compile_question(question, EGRPO_PAPER))[0].matched


def test_a_name_inside_one_thought_is_matched() -> None:
    assert matched(asked("Marie Curie", "Pierre"), thought("So Marie Curie did.")) == 1


def test_case_and_accents_count() -> None:
    assert matched(asked("Marie Curie", "José"), thought("marie curie, Jose")) == 0


def test_the_paper_knows_no_word_boundaries() -> None:
    assert matched(asked("UN"), thought("RUN")) == 1


def test_aliases_are_ignored() -> None:
    assert matched(asked("Marie Curie", aliases=("Curie",)), thought("Curie")) == 0


def test_a_name_across_two_thoughts_is_not_matched() -> None:
    assert matched(asked("Marie Curie"), thought("Marie "), thought("Curie")) == 0


def test_only_thoughts_are_searched() -> None:
    others = [Segment(kind, "Oslo") for kind in SegmentKind if kind is not SegmentKind.THOUGHT]
    assert matched(asked("Oslo"), *others) == 0


def test_a_name_listed_twice_is_one_entity_and_an_empty_name_none() -> None:
    result = match_group([[thought("Oslo")]], compile_question(asked("Oslo", "Oslo", ""), EGRPO_PAPER))[0]
    assert (result.entities, result.matched) == (1, 1)


def test_explain_points_at_the_first_mention() -> None:
    compiled = compile_question(asked("Rome", "Oslo"), EGRPO_PAPER)
    rollout = [Segment(SegmentKind.ANSWER, "Oslo"), thought("In Oslo, Oslo")]
    assert match_group([rollout], compiled, explain=True)[0].matches == (
        Match(1, "exact", "Oslo", 0, 1, 3, 7),
    )
    assert match_group([rollout], compiled)[0].matches == ()
