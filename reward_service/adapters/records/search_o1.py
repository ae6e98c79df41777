"""Search-o1, WebThinker, SimpleDeepSearcher: an array of questions with `Output`, one string that begins in the thought."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="Search-o1, WebThinker, SimpleDeepSearcher: the output's `.json`",
    keys=(frozenset({"Question", "Output"}), frozenset({"question", "Output"})),
    paths={
        "question": "Question question",
        "question_id": "question_id id",
        "text": "Output",
        "answers": "answer Answer answers Correct_Answer",
        "entities": "entities",
        "step": "step",
    },
    dialect="search_o1",
)
