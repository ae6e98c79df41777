"""Sources of proposals, each alone, and put together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entity_index.errors import UnreadableInput
from entity_index.propose import documents, judge, rollouts, structure
from entity_index.propose.combined import combined
from entity_index.propose.corpus import Corpus
from entity_index.propose.spellings import with_aliases
from entity_index.propose.values import Material, Passage, Proposal, Reason, Told, plainly
from entity_index.types import Entity, Question
from reward_service.cli.proposals import forms

ASKED = Question("Where was the founder of the maker of the Skylark born?", ("Tromby",), question_id="q1")
PASSAGES = (
    Passage("The Skylark is a glider by Nordvik Aero. It first flew in 1931.", "Skylark"),
    Passage("Nordvik Aero was founded by Liv Dahl in Oslo.", "Nordvik Aero"),
    Passage("Liv Dahl was born in Tromby.", "Liv Dahl"),
    Passage("Otto Grim sold boats.", "Otto Grim", relevance=0.2),
)
DOCUMENTS = Material(ASKED, PASSAGES)


def names(found):
    return [one.name for one in found]


def test_documents_prefer_names_that_link_the_question_and_the_answer():
    assert names(documents.propose(DOCUMENTS))[:2] == ["Liv Dahl", "Nordvik Aero"]


def test_documents_keep_what_they_saw_as_evidence():
    found = documents.propose(DOCUMENTS)[0]

    assert Reason("documents", "Liv Dahl", "Liv Dahl was born in Tromby.") in found.evidence
    assert 0 < found.confidence < 1


def test_a_passage_that_fits_badly_counts_less():
    [near] = [one for one in documents.propose(DOCUMENTS) if one.name == "Otto Grim"]
    all_near = Material(ASKED, tuple(replace(one, relevance=1.0) for one in PASSAGES))
    [far] = [one for one in documents.propose(all_near) if one.name == "Otto Grim"]

    assert near.confidence < far.confidence


WORDS = st.lists(
    st.sampled_from(["Skylark", "Tromby", "Liv", "Dahl", "Nordvik", "Aero", "Oslo", "born", "the", "maker"]),
    max_size=6,
)


@given(st.lists(WORDS.map(" ".join), max_size=4), WORDS.map(" ".join), st.booleans())
def test_no_source_proposes_what_the_question_says_or_an_answer(texts, thought, correct):
    told = Told("r", correct, ((False, " ".join(texts)), (True, f"I think {thought} is it.")))
    material = Material(ASKED, tuple(map(Passage, texts)), (told,))
    found = [*documents.propose(material), *rollouts.propose(material), *structure.propose(material)]

    assert not [name for name in names(found) if plainly(name) in material.asked or "Tromby" in name]


def test_of_a_very_long_passage_only_the_beginning_is_read():
    filler = "Nothing is said. " * (documents.PASSAGE_CHARS // 17 + 1)
    found = names(
        documents.propose(Material(ASKED, (Passage(f"Nordvik Aero rose. {filler} Otto Grim sold it."),)))
    )

    assert "Nordvik Aero" in found
    assert "Otto Grim" not in found


def told(number, *steps, correct):
    return Told(f"r{number}", correct, steps)


READ = (False, "Nordvik Aero was founded by Liv Dahl, later by Otto Grim.")


def test_rollouts_propose_what_correct_ones_found_and_wrong_ones_did_not():
    them = (
        told(0, READ, (True, "So it was Liv Dahl."), correct=True),
        told(1, READ, (True, "So it was Liv Dahl, not Otto Grim."), correct=True),
        told(2, READ, (True, "So it was Otto Grim."), correct=False),
    )

    assert [(one.name, one.confidence) for one in rollouts.propose(Material(ASKED, rollouts=them))] == [
        ("Liv Dahl", 2.5 / 3),
        ("Otto Grim", 1.5 / 3),
    ]


def test_rollouts_do_not_propose_what_was_guessed_before_it_was_read():
    them = (told(0, (True, "Maybe Liv Dahl?"), READ, correct=True),)

    assert rollouts.propose(Material(ASKED, rollouts=them)) == []


def test_rollouts_of_a_question_nobody_answered_propose_nothing():
    them = (told(0, READ, (True, "So it was Liv Dahl."), correct=False),)

    assert rollouts.propose(Material(ASKED, rollouts=them)) == []


def test_structure_proposes_the_entities_of_the_record_near_ones_first():
    question = replace(
        ASKED,
        entities=(
            Entity("Skylark", distance=3),
            Entity("Nordvik Aero", distance=3),
            Entity("Liv Dahl", ("L. Dahl",), "Q1", distance=1),
            Entity("Tromby", distance=0),
        ),
    )
    found = structure.propose(Material(question, claims=("Liv Dahl was born in Tromby",)))

    assert found == [
        Proposal(
            "Liv Dahl",
            structure.SURE,
            (Reason("structure", "", "Liv Dahl was born in Tromby"),),
            (("L. Dahl", "data set"),),
            1,
            "Q1",
        ),
        Proposal("Nordvik Aero", structure.LIKELY, (Reason("structure", ""),), (), 3),
    ]


REPLY = 'Here: [{"name": "Liv Dahl", "passage": 2, "aliases": ["L. Dahl", "Aero"]}, {"name": "Ada Holm", "passage": 1}, 7]'


def test_a_judge_is_believed_where_the_passage_says_so():
    [found] = judge.proposals(REPLY, DOCUMENTS)

    assert (found.name, found.aliases) == ("Liv Dahl", (("Aero", "judge"),))
    assert found.evidence[0].where == "Nordvik Aero"


@pytest.mark.parametrize("reply", ["", "none", '{"name": "Liv Dahl"}', "[not json]"])
def test_a_reply_without_a_list_is_an_error_and_no_proposal(reply):
    with pytest.raises(ValueError):  # noqa: PT011  # json's own message differs between versions
        judge.proposals(reply, DOCUMENTS)


@pytest.mark.parametrize(
    "item",
    ['{"name": "Skylark", "passage": 1}', '{"name": "Tromby", "passage": 3}', '{"name": "Liv Dahl", "passage": 99}', '{"name": "Liv Dahl"}'],
)  # fmt: skip
def test_a_judge_cannot_propose_the_asked_the_answer_or_what_no_passage_says(item):
    assert judge.proposals(f"[{item}]", DOCUMENTS) == []


def test_a_prompt_shows_the_question_the_answer_and_numbered_passages():
    said = judge.prompt(DOCUMENTS)

    assert ASKED.text in said
    assert "Answer: Tromby" in said
    assert "[2] Nordvik Aero\nNordvik Aero was founded" in said


def proposal(name, confidence, source, *aliases):
    return Proposal(name, confidence, (Reason(source, ""),), aliases)


def test_sources_that_agree_are_surer_together():
    [both] = combined([proposal("Liv Dahl", 0.5, "documents"), proposal("liv dahl", 0.5, "rollouts")], forms)

    assert (both.name, both.confidence) == ("Liv Dahl", 0.75)
    assert [one.source for one in both.evidence] == ["documents", "rollouts"]


def test_one_source_does_not_agree_with_itself():
    [one] = combined([proposal("Liv Dahl", 0.5, "documents"), proposal("LIV DAHL", 0.4, "documents")], forms)

    assert one.confidence == 0.5


def test_a_form_of_a_longer_name_is_the_same_thing():
    found = combined([proposal("Oslo", 0.4, "documents"), proposal("Oslo (city)", 0.6, "documents")], forms)

    assert len(found) == 1


def test_aliases_say_where_they_come_from():
    passages = (Passage("The Norwegian Polar Survey (NPS), also known as Polar Board, mapped it."),)
    material = Material(ASKED, passages)
    known = {plainly("Norwegian Polar Survey"): ("Polarundersøkelsen", "it")}
    [found] = with_aliases([proposal("Norwegian Polar Survey", 0.5, "documents")], material, known)

    assert dict(found.aliases) == {"NPS": "passage", "Polarundersøkelsen": "file"}


def test_another_name_is_an_alias_where_the_text_says_so():
    material = Material(ASKED, (Passage("Liv Dahl, also known as Liv Berg, flew."),))
    [found] = with_aliases([proposal("Liv Dahl", 0.5, "documents")], material, {})

    assert found.aliases == (("Liv Berg", "passage"),)


def test_an_alias_that_two_proposals_share_is_dropped():
    shared = [
        proposal("Liv Dahl", 0.5, "documents", ("Dahl", "file")),
        proposal("Otto Dahl", 0.5, "documents", ("Dahl", "file")),
    ]

    assert [one.aliases for one in with_aliases(shared, DOCUMENTS, {})] == [(), ()]


@pytest.mark.parametrize("alias", ["Skylark", "the Skylark", "Tromby", "Tromby town"])
def test_what_the_question_or_an_answer_says_under_another_name_is_not_proposed(alias):
    found = [proposal("Nordvik Aero", 0.5, "documents"), proposal("Liv Dahl", 0.4, "documents")]

    assert names(with_aliases(found, DOCUMENTS, {plainly("Nordvik Aero"): (alias,)})) == ["Liv Dahl"]


def test_a_spelling_of_what_is_given_is_no_alias_of_anything_else():
    found = [proposal("Nordvik Aero", 0.5, "documents"), proposal("Liv Dahl", 0.4, "documents")]
    known = {
        plainly("Nordvik Aero"): ("Skylark", "LD"),
        plainly("Liv Dahl"): ("Nordvik Aero", "LD", "Liv Berg"),
    }
    [kept] = with_aliases(found, DOCUMENTS, known)

    assert (kept.name, kept.aliases) == ("Liv Dahl", (("Liv Berg", "file"),))


def test_an_alias_that_means_anything_is_dropped_and_its_name_stays():
    [found] = with_aliases(
        [proposal("Liv Dahl", 0.5, "documents")], DOCUMENTS, {plainly("Liv Dahl"): ("Director", "L", "Berg")}
    )

    assert found.aliases == (("Berg", "file"),)


def test_a_corpus_in_a_script_without_blanks_is_searched():
    passages = [Passage("諾德維克航空由莉芙達爾創辦。"), Passage("奧托賣船。")]
    [found] = Corpus(passages).search(["誰創辦了諾德維克？"], 1)

    assert [one.text for one in found] == [passages[0].text]


@pytest.mark.parametrize("passages", [[], [Passage("")], [Passage("the of and")]])
def test_a_corpus_without_words_to_search_for_is_an_error(passages):
    with pytest.raises(UnreadableInput, match="no passages with words to search for"):
        Corpus(passages)


@pytest.mark.parametrize("name", ["Film", "1931", "The", "X"])
def test_words_of_any_text_are_not_proposed(name):
    assert not DOCUMENTS.allows(name)
