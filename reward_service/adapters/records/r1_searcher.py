"""R1-Searcher: `eval_results/*.jsonl`; the prompt opens the thought, so a recording begins inside it."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="R1-Searcher: `eval_results`",
    keys=(frozenset({"question", "gen_text_store"}),),
    paths={
        "question": "question",
        "question_id": "question_id id",
        "text": "gen_text_store",
        "answers": "answer answers golden_answers",
        "entities": "entities",
        "stop": "stop_reason_final",
        "step": "step",
    },
    dialect="r1_searcher",
    stops={
        "many_retrieve": "max_turns",
        "shot_down": "max_turns",
        "query_inst_error": "stop",
    },
)
