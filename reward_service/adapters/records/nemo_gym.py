"""NeMo Gym: collected rollouts, a row of its data set with `response`, an OpenAI Responses object."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="NeMo Gym: collected rollouts",
    keys=(frozenset({"responses_create_params", "response"}),),
    paths={
        "group": "_ng_task_index",
        "rollout": "_ng_rollout_index",
        "question": "question metadata.question",
        "question_id": "question_id metadata.question_id",
        "prompt": "responses_create_params.input",
        "messages": "response.output",
        "answers": "answers expected_answer ground_truth answer metadata.expected_answer verifier_metadata.expected_answer",
        "entities": "entities metadata.entities",
        "stop": "response.incomplete_details.reason",
        "step": "step",
    },
)
