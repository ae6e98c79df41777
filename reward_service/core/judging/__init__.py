"""Judging by a language model, as far as it is pure: what to ask, and what an answer means.

    text -> asks -> (a model replies, elsewhere) -> values -> verdict and numbers

- `asks`: an ask and its answer, as values; the key that both are known by
- `templates`: the prompts
- `presented`: an answer as a judge gets to see it, and those that no judge gets to see
- `cascade`: strings where they are sure, a judge for the rest
- `kinds`: what can be asked, and the number that comes of it
- `replies`: from a model's words to a value, or to nothing that can be relied on
- `votes`: several replies to one ask
- `conclusions`: from answers to a verdict, numbers and what is recorded
- `probes`: attacks and pairs with a known verdict, to try a judge with

A judge's failure is a reason without an answer; nothing here turns it into a wrong answer.
"""

from reward_service.core.judging.asks import JUDGE_VERSION

__all__ = ["JUDGE_VERSION"]
