import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from entity_index.folding import fold, stands_alone
from entity_index.types import Entity, Question
from reward_service.core.matching import (
    MatchSpec,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.core.matching.index import SHORT_TEXT
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind
from tests.property.texts import texts
from tests.reference.textbook_matcher import CHANNELS, all_spans

NAMES = (
    "Marie Curie", "Curie, Marie", "Władysław Szpilman", "George S. Patton", "Jeffrey R. MacDonald", "Kenny Brown (footballer)",
    "Benedict of Nursia", "1966 Atlantic hurricane season", "12 March 1989", "US", "C++", "AC/DC", "J. R. R. Tolkien", "Torpedo boat",
    "University of California, Los Angeles", "Good Will Company", "Владимир Путин", "Екатеринбургский университет", "القاهرة الجديدة",
    "جامعة الإسكندرية", "习近平", "北京大学", "東京タワー", "ガンダム", "กรุงเทพมหานคร", "김정은", "서울대학교", "🙂 Smile", "नई दिल्ली", "São Paulo",
    "Лев Толстой", "Санкт-Петербург", "Павел", "Тарас Шевченко", "Ankara", "Jürgen Müller", "Deutsches Museum", "Budapest", "Երևան", "Αθήνα",
    "First", "Search", "上海", "中山", "アン", "ヴァイオリン", "第29届", "臺灣大學", "ירושלים", "John R. R. Tolkien", "Henry VIII", "50%", "3 million",
    "Kansas", "Mexico", "Wales (country)", "Macy's", "the 1990's", "Portland, Oregon", "Dwayne Johnson", "1.5 million", "500", "1989", "京都", "국립중앙박물관", "हिन्दी", "Чайковский Пётр", "X-Men", "F-16",
    "x" * 63, "y" * 64, "z" * 65, "Marlborough, New Hampshire", "The Dressmaker (2015 film)", "Procter & Gamble", "Ab", "aa", "aa aa aa aa aa aa",
)  # fmt: skip
MANGLES = (
    "",
    "а",
    "у",
    "ом",
    "ой",
    "'da",
    "'ün",
    "ben",
    "大学",
    "交通大学",
    "ラ",
    "l'",
    "에서부터",
    "First ",
    "s",
    "'s",
    "x",
    "é",
    "은",
    "는데",
    "\u0301",
    "-",
    ".",
    ", ",
    " Smith ",
    ", Maine",
    " million",
    " B. ",
    "1",
    "京",
    "東",
    " City",
    "New ",
    "1.",
    ",500",
    ' "The Rock" ',
    " Ильич ",
    " Ильича ",
    "零",
)

names = st.sampled_from(NAMES) | st.text(min_size=1, max_size=14)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A name, perhaps with a character inserted, deleted, replaced or swapped."""
    name = draw(names)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(name)))
        what = draw(st.sampled_from(MANGLES))
        name = name[:at] + what + name[at + draw(st.integers(0, 1)) :]
    return name


glue = st.sampled_from(("", " ", ", ", "\n", " and ", "的"))
passages = st.lists(
    st.one_of(mangled(), names, texts).flatmap(lambda text: glue.map(lambda end: text + end)), max_size=6
).map("".join)
thoughts = passages.map(lambda text: Segment(SegmentKind.THOUGHT, text))
rollouts = st.lists(thoughts, max_size=3)
entities = st.builds(Entity, names, st.lists(names, max_size=2).map(tuple))
EGRPO, EGRPO_GUARDED = (shipped()[name].measure.matching for name in ("egrpo", "egrpo-guarded"))
languages = st.none() | st.sampled_from(("ru", "uk", "de", "tr", "fi", "hu", "en", "fr"))
questions = st.builds(
    Question,
    text=st.just(""),
    entities=st.lists(entities, max_size=5).map(tuple),
    language=languages,
)
PLAIN = replace(EGRPO, pasted_words=None, listed_mentions=None)


@settings(max_examples=400, deadline=None)
@given(questions, st.lists(rollouts, min_size=1, max_size=3))
def test_the_fast_matcher_is_the_textbook_matcher(question: Question, group: list[list[Segment]]) -> None:
    compiled = compile_question(question, PLAIN)
    for rollout, result in zip(group, match_group(group, compiled, explain=True), strict=True):
        best = {entity: spans[0] for entity, spans in all_spans(rollout, compiled).items()}
        found = {match.entity: match for match in result.matches}
        assert {e: (CHANNELS[s.channel], s.distance, s.segment, s.start) for e, s in best.items()} == {
            e: (m.channel, m.distance, m.segment, m.start) for e, m in found.items()
        }


@settings(max_examples=300, deadline=None)
@given(questions, passages)
def test_the_question_itself_as_a_thought_earns_nothing(question: Question, text: str) -> None:
    compiled = compile_question(replace(question, text=text), EGRPO)
    for echo in (text, text.lower()):
        (found,) = match_group([[Segment(SegmentKind.THOUGHT, echo)]], compiled)
        assert (found.matched, dict(found.uncredited)) == (0, {})


@settings(max_examples=40, deadline=None)
@given(questions, passages)
def test_a_long_question_masks_what_a_short_one_masks(question: Question, text: str) -> None:
    """In a long one every form is looked for, in a short one those alone that may stand there."""
    short, long = (
        compile_question(replace(question, text=text + more), EGRPO).masked
        for more in ("", " qzv" * (SHORT_TEXT // 3))
    )

    assert short == long


UNUSABLE = ("Å", "秦", "It", "Us", "the", "", " ", "-")


@settings(deadline=None)
@given(
    questions, st.lists(st.sampled_from(UNUSABLE), min_size=1, max_size=3, unique=True), rollouts, st.data()
)
def test_an_unusable_entity_takes_nothing_along(
    question: Question, unusable: list[str], rollout: list[Segment], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(question.entities)))
    more = (*question.entities[:at], *map(Entity, unusable), *question.entities[at:])
    alone, beside = (compile_question(one, EGRPO) for one in (question, replace(question, entities=more)))
    assert set(range(at, at + len(unusable))) <= set(beside.unmatchable)
    (one,), (other,) = (match_group([rollout], compiled) for compiled in (alone, beside))
    assert (one.matched, one.entities, one.uncredited) == (other.matched, other.entities, other.uncredited)


@given(
    st.integers(1, 999),
    st.integers(100, 999),
    st.sampled_from(("{}.{}", "{},{}")),
    st.sampled_from(("", " men")),
)
def test_a_part_of_a_number_is_no_number(before: int, behind: int, written: str, noun: str) -> None:
    text = f"There were {written.format(before, behind)}{noun}."
    question = Question(
        "", (), (Entity(f"{behind}{noun}"), Entity(f"{written.format(before, behind)}{noun}"))
    )
    (found,) = match_group(
        [[Segment(SegmentKind.THOUGHT, text)]], compile_question(question, PLAIN), explain=True
    )
    assert [match.entity for match in found.matches] == [1]


RUSSIAN = (
    "Александр Пушкин",
    "Александра Пушкина",
    "Пушкин",
    "Анна Чехова",
    "Антон Чехов",
    "Иван",
    "Иванов",
    "Лев",
    "Львов",
    "Москва",
)


@given(st.lists(st.sampled_from(RUSSIAN), min_size=2, max_size=5, unique=True), st.data())
def test_a_stem_never_lets_one_entity_of_a_question_stand_for_another(
    names: list[str], data: st.DataObject
) -> None:
    question = Question("", (), tuple(map(Entity, names)), language="ru")
    said = data.draw(st.sampled_from(names))
    (found,) = match_group(
        [[Segment(SegmentKind.THOUGHT, said)]], compile_question(question, PLAIN), explain=True
    )
    assert all(names[match.entity] in said for match in found.matches)


@settings(deadline=None)
@given(questions, rollouts)
def test_a_span_folds_to_its_form_or_within_its_distance(question: Question, rollout: list[Segment]) -> None:
    for match in match_group([rollout], compile_question(question, PLAIN), explain=True)[0].matches:
        span = fold(rollout[match.segment].text[match.start : match.end]).text
        assert Levenshtein.distance(fold(match.form).text, span) == match.distance


@settings(deadline=None)
@given(questions, st.lists(rollouts, min_size=2, max_size=4), st.booleans())
def test_a_group_is_its_rollouts_matched_alone(
    question: Question, group: list[list[Segment]], explain: bool
) -> None:
    compiled = compile_question(question, EGRPO)
    assert match_group(group, compiled, explain=explain) == [
        match_group([one], compiled, explain=explain)[0] for one in group
    ]


@st.composite
def pastes(draw: st.DrawFn) -> tuple[Question, list[Segment], str]:
    """A rollout, and a stretch of one of its tool responses that is worth 12 words more than any name, and 24 at least."""
    question = draw(questions)
    words = st.sampled_from(
        (*NAMES, *(entity.name for entity in question.entities), "and", "went to", "the school", "的")
    )
    passage = draw(st.lists(words, min_size=10, max_size=20))
    response = " ".join([*passage, *passage[::-1], *passage[1::2], *passage[::2], *passage[::-1]])
    before = draw(st.lists(thoughts, max_size=2))
    rollout = [*before, Segment(SegmentKind.TOOL_RESPONSE, response), *draw(st.lists(thoughts, max_size=1))]
    folded = fold(response)
    tokens = [(found.start(), found.end()) for found in re.finditer(r"[^ ]+", folded.text)]
    first = draw(st.integers(0, len(tokens) // 4))
    last = draw(st.integers(len(tokens) * 3 // 4, len(tokens))) - 1
    start, end = folded.span(tokens[first][0], tokens[last][1])
    longest = max(
        (worth(fold(name).text) for one in question.entities for name in (one.name, *one.aliases)), default=0
    )
    copied = worth(folded.text[tokens[first][0] : tokens[last][1]])
    # Middle names may lengthen a span, and edits may split a word.
    return question, rollout, response[start:end] if copied >= max(24, longest + 12 + 6) else ""


def worth(folded: str) -> float:
    """What a folded text says, in words."""
    return sum(0.5 if stands_alone(token[0]) else 1.0 for token in folded.split())


@settings(max_examples=300, deadline=None)
@given(pastes())
def test_pasting_a_passage_of_a_tool_response_never_raises_the_count(
    case: tuple[Question, list[Segment], str],
) -> None:
    question, rollout, paste = case
    compiled = compile_question(question, EGRPO)
    alone, with_paste = match_group([rollout, [*rollout, Segment(SegmentKind.THOUGHT, paste)]], compiled)
    assert with_paste.matched <= alone.matched


@settings(deadline=None)
@given(pastes(), st.sampled_from([EGRPO, PLAIN, EGRPO_GUARDED]))
def test_the_counts_add_up(case: tuple[Question, list[Segment], str], spec: MatchSpec) -> None:
    question, rollout, paste = case
    names = MentionNames(NAMES)
    group = [[*rollout, Segment(SegmentKind.THOUGHT, paste)]]
    result = match_group(group, compile_question(question, spec), explain=True, names=names)[0]
    assert result.matched + sum(result.uncredited.values()) <= result.entities
    assert len(result.matches) == result.matched
    assert len(result.uncredited_matches) == sum(result.uncredited.values())
    assert result.grounded <= result.matched <= result.mentions
