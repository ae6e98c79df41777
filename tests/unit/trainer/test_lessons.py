import random

from reward_service.trainer.dialogue import query_of, thoughts
from reward_service.trainer.lessons import Habits, demonstrate, lessons
from reward_service.trainer.world import make_questions, make_world, names_in

WORLD = make_world(per_type=20, seed=1)
TRAIN, _ = make_questions(WORLD, hops=(3,), train=200, test=1, seed=1)


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
