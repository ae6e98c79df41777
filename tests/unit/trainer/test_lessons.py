import random

from reward_service.trainer.dialogue import query_of, thoughts
from reward_service.trainer.lessons import Habits, demonstrate, lessons
from reward_service.trainer.world import COMPARE, make_questions, make_world, names_in

WORLD = make_world(per_type=20, seed=1)
TRAIN, _ = make_questions(WORLD, hops=(3,), train=200, test=1, seed=1)
AGED = make_world(per_type=20, seed=1, ages=True)
COMPARING, _ = make_questions(AGED, hops=(3,), train=200, test=1, seed=1, task=COMPARE)


def search(query):
    return [f"{query}\n{WORLD.entities[query].text}"]


def shown(habits):
    return demonstrate(TRAIN[0], search, habits, random.Random(0))


def test_a_good_demonstration_walks_to_the_answer():
    lesson = shown(Habits(stop_early=0))
    question = TRAIN[0]
    places = [question.start, *question.entities]
    assert [query_of(turn) for turn in lesson.turns] == [*places, None]
    assert lesson.turns[-1].endswith(f"<answer>{question.answer}</answer>")
    assert len(lesson.responses) == 3


def test_its_thoughts_say_what_was_found():
    said = [names_in(thought) for turn in shown(Habits(stop_early=0)).turns for thought in thoughts(turn)]
    question = TRAIN[0]
    places = [question.start, *question.entities, question.answer]
    assert said == [{places[0]}, {*places[:2]}, {*places[1:3]}, {*places[2:]}]


def test_one_that_stops_early_answers_with_where_it_stands():
    lesson = shown(Habits(stop_early=1))
    assert len(lesson.turns) == 2
    assert lesson.turns[-1].endswith(f"<answer>{TRAIN[0].entities[0]}</answer>")


def test_without_restating_thoughts_name_nothing_found():
    said = [thought for turn in shown(Habits(stop_early=0, restate=0)).turns for thought in thoughts(turn)]
    assert said[1:] == ["I go on", "I go on", "I go on"]


def test_listing_names_everything_that_was_read():
    lesson = shown(Habits(stop_early=1, listing=1))
    (thought,) = thoughts(lesson.turns[1])
    assert names_in(thought) == names_in(lesson.responses[0])


def test_the_chance_to_stop_is_kept():
    many = lessons(TRAIN, search, Habits(stop_early=0.5), 0)
    lengths = [len(next(many).responses) for _ in range(2000)]
    assert 0.46 < lengths.count(1) / 2000 < 0.54
    assert 0.22 < lengths.count(2) / 2000 < 0.28


def test_the_same_seed_gives_the_same_lessons():
    one, two = (lessons(TRAIN, search, Habits(), 5) for _ in range(2))
    assert [next(one) for _ in range(20)] == [next(two) for _ in range(20)]


def answers(habits, count):
    """The answers of many demonstrations of one comparison."""
    rng = random.Random(0)
    turns = [demonstrate(COMPARING[0], search, habits, rng).turns[-1] for _ in range(count)]
    return [turn.partition("<answer>")[2].removesuffix("</answer>") for turn in turns]


def test_one_that_misjudges_takes_each_of_the_others_as_often():
    last = COMPARING[0].hops[-1]
    assert set(answers(Habits(stop_early=0), 20)) == {last.reached}
    found = answers(Habits(stop_early=0, misjudge=0.6), 2000)
    assert 0.36 < found.count(last.reached) / 2000 < 0.44
    shares = [found.count(other) / 2000 for other in last.others]
    assert sum(shares) + found.count(last.reached) / 2000 == 1
    assert all(abs(share - 0.6 / len(last.others)) < 0.05 for share in shares)


def test_what_it_takes_for_the_nearest_is_said_before_it_is_answered():
    last = COMPARING[0].hops[-1]
    turn = demonstrate(COMPARING[0], search, Habits(stop_early=0, misjudge=1), random.Random(0)).turns[-1]
    (thought,) = thoughts(turn)
    (named,) = names_in(thought) - {COMPARING[0].entities[-1]}
    assert named in last.others
    assert turn.endswith(f"<answer>{named}</answer>")


def test_patient_demonstrations_neither_stop_early_nor_misjudge():
    many = lessons(COMPARING, search, Habits(stop_early=1, misjudge=1, patient=50), 0)
    lengths = [len(next(many).responses) for _ in range(100)]
    assert lengths == [3] * 50 + [1] * 50
