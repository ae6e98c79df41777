"""How a profile pays the policies that `entity_index.lint` tries on a data set."""

from collections.abc import Sequence

from entity_index.lint import Judge, Payout
from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.scoring import measure, reward_alone
from reward_service.core.types import Rollout, Segment, SegmentKind, Steps


def judge_of(profile: Profile) -> Judge:
    """Return a judge that measures with a profile, and pays as if the best of the group had matched everything."""

    def judge(question: Question, thoughts: Sequence[str], answer: str) -> Payout:
        segments = [Segment(SegmentKind.THOUGHT, thought) for thought in thoughts]
        if answer:
            segments.append(Segment(SegmentKind.ANSWER, answer))
        facts = measure(Rollout("0", Steps(tuple(segments))), question, profile)
        result = reward_alone(facts, profile, best=facts.entities)
        return Payout(
            facts.matched or 0, facts.entities, result.reward or 0.0
        )  # what was not measured is not paid

    return judge
