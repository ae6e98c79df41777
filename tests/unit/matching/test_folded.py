from dataclasses import replace

import pytest

from entity_index.types import Entity, Question
from reward_service.core.matching import (
    MentionNames,
    compile_question,
    match_group,
    scan,
)
from reward_service.core.types import Match, Segment, SegmentKind
from tests.unit.matching.rollouts import EGRPO, EGRPO_GUARDED, asked, match, thought, tool

PASSAGE = (
    "The school was founded by Marie Curie in the spring of 1911 together with two of her former students from Paris, "
    "and moved to Lyon in the summer after that"
)
CITIES = "Oslo Rome Lima Cairo Paris Berlin Tokyo Delhi Quito Dakar Accra Tunis Sofia Minsk Kyiv Riga Baku Doha Male Suva Apia Bern Juba Lome Nauru Praia Skopje Tirana".split()  # noqa: SIM905
LIST = ", ".join(CITIES)


def test_evidence_points_into_the_original_text() -> None:
    result = match(asked("Władysław Szpilman"), tool("x"), thought("So: Wladyslaw\nSzpilman's diary."))
    assert result.matches == (Match(0, "exact", "Władysław Szpilman", 0, 1, 4, 22),)


def test_the_best_evidence_is_exact_then_alias_then_expanded_then_fuzzy() -> None:
    question = Question("", (), (Entity("Nidal Hasan", ("The Fort Hood shooter",)),))
    texts = ("Nidal Hasann", "Nidal Malik Hasan", "the Fort Hood shooter", "Nidal Hasan")
    channels = [match(question, *map(thought, texts[: i + 1])).matches[0].channel for i in range(4)]
    assert channels == ["fuzzy", "expanded", "alias", "exact"]


def test_only_thoughts_are_searched() -> None:
    others = [Segment(kind, "Oslo") for kind in SegmentKind if kind is not SegmentKind.THOUGHT]
    assert match(asked("Oslo"), *others).matched == 0


def test_a_match_never_crosses_a_segment() -> None:
    assert match(asked("Marie Curie"), thought("Marie"), thought("Curie")).matched == 0


def test_names_that_share_words_are_all_found() -> None:
    assert match(asked("New York", "York City", "New York City"), thought("in New York City")).matched == 3


def test_a_question_entity_is_masked_with_every_spelling() -> None:
    result = match(
        asked("Phil Savage", "Oslo", text="Where was Philip Savage born?"), thought("Phil Savage, Oslo")
    )
    assert (result.entities, result.matched, result.masked) == (1, 1, (0,))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Benedict of Nursia", "Who was Bendict of Nursia?"),
        ("Blur (band)", "which blur album came out in 1994"),
        ("Nidal Hasan", "when did nidal malik hasan retire"),
        ("Curie, Marie", "where was marie curie born"),
        ("US", "who was the first in the us to do so"),
    ],
)
def test_what_the_question_says_in_another_spelling_is_masked(name: str, text: str) -> None:
    result = match(asked(name, "Oslo", text=text), thought(text), thought(name))
    assert (result.entities, result.masked) == (1, (0,))


def test_function_words_between_a_first_and_a_last_name_mask_nobody() -> None:
    assert match(asked("Nidal Hasan", text="did nidal and hasan meet?"), thought("Nidal Hasan")).matched == 1


def test_entities_that_equal_the_answer_stay_unless_asked_otherwise() -> None:
    question = asked("Oslo", "Rome", answers=("OSLO",))
    assert match(question, thought("Oslo")).entities == 2
    assert match(question, thought("Oslo"), spec=replace(EGRPO, mask_answers=True)).masked == (0,)


def test_an_entity_listed_twice_is_one_and_one_without_a_form_is_none() -> None:
    compiled = compile_question(asked("Oslo", "oslo", "!!!", "The", ""), EGRPO)
    assert (compiled.entities, compiled.unmatchable) == (1, (2, 3, 4))


def test_an_entity_without_a_form_is_flagged_and_changes_nothing_else() -> None:
    alone = match(asked("Oslo"), tool("x"), thought("It is Oslo."))
    beside = match(asked("Oslo", "It", "Å"), tool("x"), thought("It is Oslo."))
    assert (beside.entities, beside.matched, alone.flags) == (alone.entities, alone.matched, ())
    assert beside.flags == ("unmatchable_entities",)


def test_an_alias_does_not_bring_back_an_entity_whose_name_cannot_be_looked_for() -> None:
    question = Question("", (), (Entity("It", ("It (novel)",)), Entity("Oslo", ("The", "Kristiania"))))
    result = match(question, thought("It is the novel, the one from Kristiania."))
    assert (result.entities, result.matched) == (1, 1)


def test_without_entities_nothing_is_matched() -> None:
    result = match(asked("Oslo", text="Oslo?"), thought("Oslo"))
    assert (result.entities, result.matched, result.matches) == (0, 0, ())


def test_an_empty_group_has_no_results() -> None:
    assert match_group([], compile_question(asked("Oslo"), EGRPO)) == []


def test_compiled_questions_are_cached_by_value() -> None:
    assert compile_question(asked("Oslo"), EGRPO) is compile_question(asked("Oslo"), EGRPO)


def test_what_stands_in_a_pasted_run_earns_nothing() -> None:
    result = match(asked("Marie Curie"), tool(f"… {PASSAGE}."), thought(PASSAGE))
    assert (result.matched, dict(result.uncredited)) == (0, {"pasted": 1})
    assert result.uncredited_matches[0].channel == "exact"


def test_the_same_words_before_the_tool_said_them_are_the_policys_own() -> None:
    assert match(asked("Marie Curie"), thought(PASSAGE), tool(PASSAGE)).matched == 1


def test_own_words_about_a_tool_response_earn_credit() -> None:
    assert (
        match(
            asked("Marie Curie"), tool(PASSAGE), thought("It was Marie Curie who founded the school in 1911.")
        ).matched
        == 1
    )


def test_a_pasted_run_of_another_rollout_is_no_matter() -> None:
    compiled = compile_question(asked("Marie Curie"), EGRPO)
    assert [r.matched for r in match_group([[tool(PASSAGE)], [tool("x"), thought(PASSAGE)]], compiled)] == [
        0,
        1,
    ]


def test_responses_of_earlier_rollouts_make_no_thought_a_copy_before_its_own_rollout_has_one() -> None:
    compiled = compile_question(asked("Marie Curie"), EGRPO)
    group = [[thought("Well."), tool(PASSAGE)], [thought(PASSAGE), tool(PASSAGE), thought("So.")]]
    assert [one.matched for one in match_group(group, compiled)] == [0, 1]


def test_one_copied_sentence_that_is_the_finding_counts() -> None:
    finding = "The school was founded by Marie Curie in the spring of 1911 together with two students"
    assert match(asked("Marie Curie"), tool(f"{finding}. More."), thought(finding)).matched == 1


def test_a_short_run_that_names_several_things_is_pasted() -> None:
    clause = "between Oslo and the sea lies the old farm that Marie Curie sold to Henri Becquerel"
    assert dict(match(asked("Marie Curie"), tool(clause), thought(clause)).uncredited) == {"pasted": 1}


def test_a_name_longer_than_a_run_counts_where_nothing_else_is_copied() -> None:
    name = "The Extremely Long Title of a Film That Nobody Has Ever Seen in Any Cinema"
    assert match(asked(name), tool(f"{name}."), thought(f"It is {name}.")).matched == 1


def test_a_long_name_in_a_script_without_spaces_counts_after_it_was_read() -> None:
    name = "第二十九届夏季奥林匹克运动会组织委员会"
    read = f"据报道，{name}于当日宣布成立。"
    assert match(asked(name), tool(read), thought(f"答案应该是{name}。")).matched == 1


def test_a_copied_passage_in_a_script_without_spaces_is_pasted() -> None:
    passage = (
        "这所学校由居里夫人在一九一一年春天与她的两名学生一起创办后来搬到里昂并且改了名字直到今天仍然开放"
    )
    assert dict(match(asked("居里夫人"), tool(passage), thought(passage)).uncredited) == {"pasted": 1}


def test_an_entity_pasted_once_and_named_freely_once_counts() -> None:
    assert (
        match(asked("Marie Curie"), tool(PASSAGE), thought(PASSAGE), thought("So Marie Curie.")).matched == 1
    )


def test_what_stands_in_a_list_of_candidates_earns_nothing() -> None:
    result = match(asked("Oslo", "Vaduz"), thought(f"{LIST}."), thought("Perhaps Vaduz."))
    assert (result.matched, dict(result.uncredited)) == (1, {"listed": 1})


@pytest.mark.parametrize(
    "text",
    [
        LIST.lower(),
        LIST.replace(", ", "\n- "),
        LIST.upper(),
        "、".join(["东京", *(chr(0x4E00 + i) * 2 for i in range(28))]),
        "\n".join(["东京", *(chr(0x4E00 + i) * 2 for i in range(28))]),
        "，".join(["东京", *(chr(0x4E00 + i) * 2 for i in range(28))]),
    ],
)
def test_a_list_is_a_list_however_it_is_written(text: str) -> None:
    assert dict(match(asked("Riga", "东京"), thought(text)).uncredited) == {"listed": 1}


def test_a_list_of_numbered_names_is_a_list() -> None:
    listing = ", ".join(f"Apollo {number}" for number in range(1, 30))
    result = match(asked("Apollo 11", "Apollo 13"), thought(listing))
    assert (result.matched, dict(result.uncredited)) == (0, {"listed": 2})


SHORTLIST = [
    f"{city}: capital of {country}" for city, country in zip(CITIES[:10], CITIES[10:20], strict=True)
]


def test_ten_candidates_with_a_fact_each_are_no_list() -> None:
    rows = "\n".join(f"{n}. {row}" for n, row in enumerate(SHORTLIST, start=1))
    assert match(asked("Oslo", "Tokyo"), thought(rows)).matched == 2


def test_ten_candidates_with_a_fact_each_are_no_list_in_a_script_without_capitals() -> None:
    names = ["东京", "北京", "巴黎", "罗马", "伦敦", "柏林", "开罗", "利马", "河内", "基辅"]
    rows = "\n".join(f"{name}：人口众多，历史悠久" for name in names)
    assert match(asked("东京", "河内"), thought(rows)).matched == 2


def test_short_clauses_in_a_script_without_capitals_are_prose() -> None:
    clauses = ["他出生在东京", "后来去了巴黎", "学习绘画", "结识了许多人"]
    prose = "".join("，".join(f"{clause}{n}" for clause in clauses) + "。" for n in "一二三四五六七八九")
    assert match(asked("巴黎"), thought(prose)).matched == 1


def test_repeating_a_few_names_is_no_list() -> None:
    assert match(asked("Oslo"), thought("Oslo, Rome, Lima. " * 20)).matched == 1


def test_a_name_far_from_the_list_counts() -> None:
    assert match(asked("Vaduz"), thought(f"{LIST}. {'so it goes on and on ' * 30} Vaduz.")).matched == 1


def test_a_list_of_thousands_is_judged_as_one() -> None:
    words = ", ".join(f"{a}{b.lower()}" for a in CITIES for b in CITIES)
    assert dict(match(asked("Osloriga", "Apiasuva"), thought(words)).uncredited) == {"listed": 2}


def test_ungrounded_names_earn_nothing_when_grounding_is_asked_for() -> None:
    spec = replace(EGRPO, grounded=True)
    result = match(
        asked("Oslo", "Rome"),
        thought("Rome?"),
        tool("Oslo lies in Norway; Rome in Italy."),
        thought("Oslo!"),
        spec=spec,
    )
    assert (result.matched, dict(result.uncredited), result.grounded) == (1, {"ungrounded": 1}, 1)


def test_without_tool_responses_grounding_is_not_applied_and_says_so() -> None:
    result = match(asked("Oslo"), thought("Oslo"), spec=replace(EGRPO, grounded=True))
    assert (result.matched, result.flags) == (1, ("observations_absent",))


def test_grounded_is_counted_in_every_profile() -> None:
    assert match(asked("Oslo", "Rome"), tool("Oslo"), thought("Oslo or Rome")).grounded == 1


def test_under_the_precision_floor_nothing_is_credited() -> None:
    names = MentionNames([*CITIES, "Paris (Texas)"])
    text = "Oslo or Rome. I wonder about Lima too. Then again Cairo, and Tunis as well."
    result = match(asked("Oslo"), tool("Oslo"), thought(text), spec=EGRPO_GUARDED, names=names)
    assert (result.matched, dict(result.uncredited), result.mentions) == (0, {"precision": 1}, 5)


def test_without_names_the_floor_is_off_and_says_so() -> None:
    result = match(asked("Oslo"), tool("Oslo"), thought("Oslo Rome Lima Cairo Tunis"), spec=EGRPO_GUARDED)
    assert (result.matched, result.flags) == (1, ("precision_unchecked",))


def test_names_of_the_question_and_parts_of_longer_names_are_no_mentions() -> None:
    names = MentionNames(["York", "New York", "New York City", "Lima", "Oslo"])
    result = match(asked("Oslo", text="Is Lima large?"), thought("Lima, New York City and Oslo"), names=names)
    assert result.mentions == 2


def test_mentions_by_look_leave_sentence_openers_out() -> None:
    assert (
        match(asked("Oslo"), thought("The city of Oslo. However, Marie Curie was never there")).mentions == 2
    )


def test_plain_words_are_no_mentions() -> None:
    assert match(asked("Oslo"), thought("it is what it is and it goes on")).mentions == 0


def test_too_much_text_is_too_costly_for_that_rollout_only() -> None:
    compiled = compile_question(asked("Oslo"), replace(EGRPO, max_chars=10))
    long, short = match_group([[thought("Oslo is a city")], [thought("Oslo")]], compiled)
    assert (long.too_costly, long.matched, short.too_costly, short.matched) == (True, 0, False, 1)


def test_too_many_hits_are_too_costly_for_that_rollout_only() -> None:
    compiled = compile_question(asked("Oslo"), replace(EGRPO, max_hits=10))
    many, few = match_group([[thought("Oslo " * 11)], [thought("Oslo " * 10)]], compiled)
    assert (many.too_costly, few.too_costly, few.matched) == (True, False, 1)


@pytest.mark.parametrize("hits_held", [1, 20, 100])
def test_text_read_in_chunks_is_text_read_at_once(hits_held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_question(asked("Oslo", "Marie Curie"), replace(EGRPO, max_hits=10))
    rollouts = [[thought("Oslo " * 50)], [thought("In Oslo, Marie Curie."), thought("no more")]]
    at_once = match_group(rollouts, compiled, explain=True)
    monkeypatch.setattr(scan, "CHUNK_HITS", hits_held)

    assert match_group(rollouts, compiled, explain=True) == at_once
    assert [(one.too_costly, one.matched) for one in at_once] == [(True, 0), (False, 2)]


def test_what_came_close_is_shown_on_explain() -> None:
    question = asked("Manchester Central High School", "Zorba the Greek")
    (near,) = match(question, thought("She went to Manchester West High School.")).near_misses
    assert (near.entity, near.segment, near.start, near.end) == (0, 0, 12, 39)
    compiled = compile_question(question, EGRPO)
    assert (
        match_group([[thought("Manchester West High School")]], compiled, explain=True, nearest=False)[
            0
        ].near_misses
        == ()
    )


def test_a_separator_in_the_text_is_a_space() -> None:
    assert match(asked("Marie Curie"), thought("Marie\x01Curie")).matches[0].end == 11


def test_a_short_name_with_a_separator_in_it_is_looked_up_as_it_was_written() -> None:
    assert match(asked("US\x01"), thought("the US\x01 said")).matched == 1
    assert match(asked("US\x01"), thought("the US said")).matched == 0
