"""A trainer that sends rollouts one by one and never gives up, and keeps count of what it took."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.builders import thinking
from tests.http_client import Broken, call

NAMES = [f"Entity{letter}" for letter in "ABCDEFGH"]
QUESTION = {"text": "?", "answers": ["x"], "entities": [{"name": name} for name in NAMES]}
SIZE = 8
PATIENCE_S = 0.05
AGAIN = {429, 503}


def make_rollouts(seed, size=SIZE):
    """Rollouts of one group, as a seed says."""
    draw = random.Random(seed)
    return [
        thinking(
            str(n),
            f"Seen: {', '.join(draw.sample(NAMES, draw.randint(0, len(NAMES))))}.",
            outcome=draw.choice(["correct", "wrong", "wrong", "wrong", "error"]),
        )
        for n in range(size)
    ]


@dataclass
class Group:
    """One group as the trainer sees it."""

    group_id: str
    rollouts: list
    attempt: int = 0
    results: dict = field(default_factory=dict)


class Trainer:
    """Sends groups to several ports; anything but an answer is tried again elsewhere."""

    def __init__(self, ports, seed, *, run_id="training", wait_s=2.0, **declared):
        self.ports, self.run_id, self.wait_s = ports, run_id, wait_s
        self.declared = {"profile": "egrpo-paper", "group_size": SIZE, "deadline_s": 3600} | declared
        self.counts = Counter()
        self.draw = random.Random(seed)
        self.acknowledged = set()
        self.progress = asyncio.Event()

    async def ask(self, method, path, body=None, **query):
        """Call any replica until one answers."""
        while True:
            try:
                answer = await call(self.draw.choice(self.ports), method, path, body, timeout_s=10, **query)
            except Broken as error:
                self.counts[f"broken: {error}"] += 1
            else:
                if answer[0] not in AGAIN:
                    return answer
                self.counts[f"{answer[0]} {answer[1]['type'].rpartition(':')[2]}"] += 1
            await asyncio.sleep(PATIENCE_S)

    async def acknowledges(self, more):
        """Wait until more rollouts were acknowledged."""
        wanted = len(self.acknowledged) + more
        while len(self.acknowledged) < wanted:
            self.progress.clear()
            await self.progress.wait()

    async def declare(self):
        """Declare the run, as often as the store forgets it."""
        status, _ = await self.ask("PUT", f"/v1/runs/{self.run_id}", self.declared)
        assert status in (200, 201)

    async def put(self, group, rollout, **query):
        """Put one rollout, once."""
        path = f"/v1/runs/{self.run_id}/groups/{group.group_id}/rollouts/{rollout['rollout_id']}"
        return await self.ask("PUT", path, rollout | {"question": QUESTION}, **query)

    async def collect(self, group, rollout):
        """Put one rollout until its group is closed; repair on the way what was lost."""
        while True:
            attempt, paid = group.attempt, set(group.results)
            wait_s = self.draw.choice([0, self.wait_s])
            status, reply = await self.put(group, rollout, wait_s=wait_s, attempt=attempt)
            if status in (200, 202):
                self._note(group, rollout, attempt)
            if status == 200 and attempt == group.attempt:
                group.results[rollout["rollout_id"]] = reply
                return
            if status >= 400:
                await self._repair(group, attempt, reply["type"].rpartition(":")[2])
            else:
                await self._send_again(group, paid.intersection(reply["missing"]))

    async def _send_again(self, group, lost):
        """Send what the store has lost: rollouts that were paid before it was asked, and are missing all the same."""
        for rollout_id in sorted(lost):
            self.counts["sent again"] += 1
            await self.put(group, group.rollouts[int(rollout_id)], attempt=group.attempt)
        await asyncio.sleep(PATIENCE_S)

    def _note(self, group, rollout, attempt):
        self.acknowledged.add((group.group_id, attempt, rollout["rollout_id"]))
        self.progress.set()

    async def _repair(self, group, attempt, problem):
        """Do what docs/groups.md says of each refusal; anything else is a defect."""
        self.counts[f"409 {problem}" if problem != "unknown-run" else "404 unknown-run"] += 1
        if problem == "unknown-run":
            await self.declare()
        elif problem == "rollout-conflict":  # a twin was there first: the store was lost in between
            group.attempt = max(group.attempt, attempt + 1)
        else:
            assert problem == "attempt-superseded", problem

    async def twin(self, group, rollout):
        """Send another rollout under the same id; returns whether it was taken."""
        other = rollout | {"outcome": "correct" if rollout["outcome"] != "correct" else "wrong"}
        status, _ = await self.put(group, other, attempt=group.attempt)
        self.counts["twins"] += 1
        self.counts["twins taken"] += status < 400
        return status < 400

    async def train(self, group, *, twins=False):
        """Send all rollouts of a group at once, in any order, and some of them twice."""
        order = self.draw.sample(group.rollouts, len(group.rollouts))
        again = self.draw.sample(order, 2)
        await asyncio.gather(*(self.collect(group, rollout) for rollout in [*order, *again]))
        if twins:
            await self.twin(group, order[0])
