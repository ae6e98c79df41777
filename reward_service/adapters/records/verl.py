"""verl: what `trainer.rollout_data_dir` and `trainer.validation_data_dir` receive, one file a step.

The tokens that end turns are dropped there, so a turn begins with a line that holds a role and nothing else.
"""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="verl: `rollout_data_dir`, `validation_data_dir`",
    keys=(frozenset({"input", "output", "gts"}), frozenset({"input", "output", "score", "step"})),
    paths={
        "group": "uid",
        "rollout": "request_id",
        "prompt": "input",
        "text": "output",
        "answers": "gts ground_truth reward_model.ground_truth",
        "question_id": "extra_info.question_id question_id",
        "entities": "extra_info.entities entities",
        "stop": "stop_reason finish_reason",
        "step": "step",
    },
    format="role_lines",
)
