import subprocess
import sys

import pytest

from reward_service.trainer.world import (
    AGES,
    COMPARE,
    FIRST,
    NEAREST,
    RELATIONS,
    SECOND,
    make_questions,
    make_world,
    names_in,
)

WORLD = make_world(per_type=20, seed=3)
TRAIN, HELD_OUT = make_questions(WORLD, hops=(2, 3, 4), train=300, test=60, seed=3)
DRAWN = """
from reward_service.trainer.world import make_questions, make_world
world = make_world(per_type=20, seed=3)
print([entity.text for entity in world.entities.values()], make_questions(world, hops=(2, 3, 4), train=300, test=60, seed=3))
"""

AGED = make_world(per_type=20, seed=3, ages=True)
COMPARING, COMPARING_HELD_OUT = make_questions(AGED, hops=(2, 3, 4), train=300, test=60, seed=3, task=COMPARE)


def test_there_are_seven_types_and_twenty_two_relations():
    assert len(RELATIONS) == 7
    assert sum(map(len, RELATIONS.values())) == 22


def test_every_entity_has_look_alikes():
    firsts = [name.split()[0] for name in WORLD.entities]
    seconds = [name.split()[1] for name in WORLD.entities]
    assert all(
        firsts.count(first) + seconds.count(second) > 2 for first, second in map(str.split, WORLD.entities)
    )


def test_a_relation_leads_to_another_entity_of_its_type():
    kinds = {relation: leads for links in RELATIONS.values() for relation, leads in links}
    for entity in WORLD.entities.values():
        for relation, other in entity.links:
            assert WORLD.entities[other].kind == kinds[relation]
            assert other != entity.name


def test_a_page_says_type_and_relations():
    entity = next(one for one in WORLD.entities.values() if one.kind == "city")
    facts = " ; ".join(f"{relation} {other}" for relation, other in entity.links)
    assert entity.text == f"city ; {facts} ."


def test_the_answer_is_where_the_relations_lead():
    for question in TRAIN:
        assert WORLD.walk(question.start, [hop.relation for hop in question.hops]) == question.hops
        assert question.answer == question.hops[-1].reached


def test_the_question_names_the_start_and_nothing_on_the_way():
    for question in TRAIN:
        assert names_in(question.text) == {question.start}


def test_entities_are_the_intermediates():
    for question in TRAIN:
        assert len(question.entities) == len(question.hops) - 1
        assert len({question.start, question.answer, *question.entities}) == len(question.hops) + 1


def test_hop_counts_come_in_equal_shares():
    lengths = [len(question.hops) for question in [*TRAIN, *HELD_OUT]]
    assert [lengths.count(n) for n in (2, 3, 4)] == [120, 120, 120]


def test_held_out_questions_share_no_way_with_training():
    def way(question):
        return question.start, tuple(hop.relation for hop in question.hops)

    assert not set(map(way, TRAIN)) & set(map(way, HELD_OUT))
    assert len({question.question_id for question in [*TRAIN, *HELD_OUT]}) == 360


def test_too_many_questions_are_refused():
    with pytest.raises(ValueError, match="has only"):
        make_questions(make_world(per_type=3, seed=0), hops=(2,), train=1000, test=1, seed=0)


def test_every_process_draws_the_same_world():
    drawn = [
        subprocess.run(
            [sys.executable, "-c", DRAWN], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert drawn[0] == drawn[1]


def test_names_are_found_wherever_they_stand():
    first, second = FIRST[0], SECOND[0]
    assert names_in(f"from {first} {second} to {FIRST[1]} and {second} {first}") == {f"{first} {second}"}


def test_ages_change_nothing_but_what_pages_tell():
    assert {name: (one.kind, one.links) for name, one in AGED.entities.items()} == {
        name: (one.kind, one.links) for name, one in WORLD.entities.items()
    }
    entity = next(iter(AGED.entities.values()))
    facts = (
        f"{relation} {other} {age}" for (relation, other), age in zip(entity.links, entity.ages, strict=True)
    )
    assert entity.text == f"{entity.kind} ; {' ; '.join(facts)} ."


def test_an_entity_is_as_old_on_every_page():
    told = {
        (other, age)
        for entity in AGED.entities.values()
        for (_, other), age in zip(entity.links, entity.ages, strict=True)
    }
    assert len(told) == len({name for name, _ in told})
    assert {age for _, age in told} == set(AGES)


def test_the_answer_of_a_comparison_is_nearer_in_age_than_all_others_of_the_last_page():
    for question in COMPARING:
        *way, last = question.hops
        word, wanted = last.relation.split()
        assert word == NEAREST
        assert AGED.walk(question.start, [hop.relation for hop in way]) == tuple(way)
        page = AGED.entities[way[-1].reached]
        away = {other: abs(age - int(wanted)) for (_, other), age in zip(page.links, page.ages, strict=True)}
        assert {last.reached, *last.others} == set(away)
        assert all(away[last.reached] < away[other] for other in last.others)
        assert len(last.others) in {2, 3}


def test_the_nearest_entity_of_a_page_depends_on_the_number_in_the_question():
    answers = {}
    for question in COMPARING:
        answers.setdefault(question.entities[-1], set()).add(question.answer)
    assert sum(len(found) > 1 for found in answers.values()) > len(answers) / 2


def test_a_comparison_asks_for_its_number_and_names_the_start_alone():
    for question in COMPARING:
        assert question.hops[-1].relation in question.text
        assert names_in(question.text) == {question.start}
        assert len(question.entities) == len(question.hops) - 1
        assert len({question.start, question.answer, *question.entities}) == len(question.hops) + 1
