"""Which engine made a number: the versions of everything that golden results depend on, and one digest of them."""

import hashlib
import json

from entity_index.folding import FOLD_VERSION, UNICODE_VERSION
from reward_service.core.checkers import CHECKERS_VERSION
from reward_service.core.judging import JUDGE_VERSION
from reward_service.core.matching import MATCHER_VERSION, STEMMERS_VERSION
from reward_service.core.measured import MEASURED_VERSION
from reward_service.core.rewards import REWARD_VERSION
from reward_service.core.trajectory import PARSER_VERSION

# Bumped when golden results change; the Unicode version comes with the interpreter.
VERSIONS: dict[str, int | str] = {
    "fold": FOLD_VERSION,
    "unicode": UNICODE_VERSION,
    "matcher": MATCHER_VERSION,
    "stemmers": STEMMERS_VERSION,
    "parser": PARSER_VERSION,
    "checkers": CHECKERS_VERSION,
    "judge": JUDGE_VERSION,
    "signals": MEASURED_VERSION,
    "formulas": REWARD_VERSION,
}
ENGINE_DIGEST = "sha256:" + hashlib.sha256(json.dumps(VERSIONS, sort_keys=True).encode()).hexdigest()
