"""Laws of ground truth: folding, the codec, cleaning and building."""

import json

from hypothesis import given
from hypothesis import strategies as st

from entity_index.build import build
from entity_index.clean import clean
from entity_index.codec import decode, encode
from entity_index.folding import fold
from entity_index.readers import READERS
from entity_index.readers.rows import Refusal, Row
from entity_index.spelling import folded
from entity_index.stores.memory import MemoryCatalogue
from entity_index.types import Entity, Question
from entity_index.usable import why_unusable

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates included
spellable = st.text(max_size=30)
names = spellable | st.sampled_from(["The", "C++", "C#", "Café", "CAFE", "cafe\u0301", "北京", "It's"])
entities = st.builds(
    Entity,
    name=names,
    aliases=st.lists(names, max_size=3).map(tuple),
    entity_id=st.none() | spellable,
    type=st.none() | spellable,
)
questions = st.builds(
    Question,
    text=spellable.filter(str.strip),
    answers=st.lists(spellable, max_size=3).map(tuple),
    entities=st.lists(entities, max_size=5).map(tuple),
    question_id=st.text(min_size=1, max_size=10),
)


@given(any_text)
def test_folding_keeps_one_offset_a_character_and_never_goes_back(text):
    folded = fold(text)

    assert len(folded.offsets) == len(folded.text)
    assert list(folded.offsets) == sorted(folded.offsets)


@given(any_text)
def test_a_folded_character_points_at_what_made_it(text):
    folded = fold(text)

    for char, at in zip(folded.text, folded.offsets, strict=True):
        assert char == " " or char in fold(text[at]).text


@given(any_text)
def test_a_folded_text_folds_to_itself(text):
    once = fold(text).text

    assert fold(once).text == once


ascii_text = st.text(st.characters(max_codepoint=127)) | st.text("aAs S'`-1_\0", max_size=12)


@given(ascii_text | any_text)
def test_the_fast_spelling_is_the_spelling_of_folding(text):
    assert folded(text) == fold(text).text


@given(any_text)
def test_usability_has_an_answer_for_any_text(name):
    assert why_unusable(name) is None or fold(name).text == fold(name).text.strip()


@given(questions)
def test_a_record_gives_its_question_back(question):
    assert decode(encode(question), question_id=str(question.question_id)) == question


@given(questions, questions)
def test_only_equal_questions_have_equal_records(one, other):
    assert (encode(one) == encode(other)) == (one == other)


@given(questions)
def test_what_is_clean_stays_as_it_is(question):
    once = clean(question)
    again = clean(once.question)

    assert again.question == once.question
    assert (again.dropped, again.merged, again.in_question) == ((), 0, once.in_question)


@given(questions)
def test_cleaning_keeps_only_what_may_be_searched_for(question):
    kept = clean(question).question.entities
    spellings = {spelling for entity in kept for spelling in (entity.name, *entity.aliases)}

    assert all(why_unusable(spelling) is None for spelling in spellings)
    assert spellings <= {s for entity in question.entities for s in (entity.name, *entity.aliases)}


@given(st.lists(questions, min_size=1, unique_by=lambda question: question.question_id), st.randoms())
def test_the_digest_of_a_build_does_not_depend_on_the_order_of_its_lines(rows, random):
    shuffled = rows + rows[:2]
    random.shuffle(shuffled)
    infos = {build(numbered(order), MemoryCatalogue(), dataset="d").info for order in (rows, shuffled)}

    assert len(infos) == 1


def numbered(rows):
    return (Row(line, question) for line, question in enumerate(rows, start=1))


@given(st.sampled_from(sorted(READERS)), st.lists(st.binary()))
def test_a_reader_survives_any_bytes(reader, lines):
    assert all(isinstance(row, Row | Refusal) for row in READERS[reader](lines))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "title", "aliases", "id"]), inner)
    ),
    max_leaves=8,
)
FIELDS = ["id", "question_id", "text", "question", "answer", "answers", "entities", "formalization"]


@given(st.sampled_from(sorted(READERS)), st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_a_reader_survives_any_json(reader, row):
    [result] = READERS[reader]([json.dumps(row).encode()])
    assert isinstance(result, Row | Refusal)
