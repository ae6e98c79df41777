"""The service as a later version might be: an engine of another digest, whose rewards are half of this one's."""

from dataclasses import replace

from reward_service.core import scoring


def halved(result):
    """Return a result with half the rewards and advantages."""
    half = [
        replace(one, reward=one.reward and one.reward / 2, advantage=one.advantage and one.advantage / 2)
        for one in result.rollouts
    ]
    return replace(result, rollouts=tuple(half))


this_engine = scoring.reward
scoring.reward = lambda *args, **kwargs: halved(this_engine(*args, **kwargs))
scoring.ENGINE_DIGEST = "sha256:next"

if __name__ == "__main__":
    from reward_service.__main__ import main

    main()
