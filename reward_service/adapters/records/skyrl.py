"""SkyRL: what evaluation dumps, one file a data source; special tokens are kept."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="SkyRL: `dumped_evals`",
    keys=(
        frozenset({"input_prompt", "output_response"}),
        frozenset({"input_prompt", "trajectory_text"}),
    ),
    paths={
        "group": "uid",
        "rollout": "trajectory_id",
        "question": "env_extras.question env_extras.extra_info.question",
        "question_id": "env_extras.question_id env_extras.extra_info.question_id",
        "prompt": "input_prompt",
        "text": "output_response trajectory_text",
        "answers": "env_extras.reward_spec.ground_truth env_extras.reward_model.ground_truth env_extras.answer",
        "entities": "env_extras.entities env_extras.extra_info.entities",
        "stop": "stop_reason",
        "step": "step",
    },
    format="chatml",
)
