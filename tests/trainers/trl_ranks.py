"""One of two processes that train together; each says what it was paid."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from test_trl import options, telling, train

from reward_service.client.trainers.trl import egrpo_reward


class Live:
    url = os.environ["LIVE_URL"]


seen = []
given = options(Live, format="tagged", run_id=os.environ["RUN_ID"], deadline_s=20.0, patience_s=40.0)
train(telling(egrpo_reward(**given), seen), os.environ["OUT"], batch=2)
Path(os.environ["OUT"], f"rank{os.environ['RANK']}.json").write_text(json.dumps(seen))
