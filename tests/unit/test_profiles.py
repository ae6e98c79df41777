"""Profiles as files."""

import pytest

from reward_service.core.profiles import DEFAULT_PROFILE, parse_profile, shipped

MINIMAL = "name: mine\n"
PINNED = {
    "egrpo": "sha256:5ed5d6a77286266b94f2dcf06d43f4b562c375920cc9bf6eed51ba3f112e4223",
    "egrpo-guarded": "sha256:3a4bcc26dd73cd81a847f49bf2936fa581155f66c5b55d4843a631ef6260293d",
    "egrpo-paper": "sha256:fc4089d06f42a421a4a87d4d89e51ec02b9a8907bb3e39bddbbb8e419f67f523",
    "grpo": "sha256:69ee543310f25f32b65a385e5e286b0bf64503909eb4b8d116d6706407d05349",
}


def test_the_default_profile_is_shipped():
    assert DEFAULT_PROFILE in shipped()


def test_a_digest_ignores_name_and_prose_and_written_defaults():
    plain = parse_profile(MINIMAL)

    assert (
        parse_profile("name: other\nabout: words\nestimator: {type: grpo, ddof: 1}\n").digest == plain.digest
    )
    assert parse_profile(MINIMAL + "estimator: {type: rloo}\n").digest != plain.digest


def test_digests_of_shipped_profiles_are_pinned():
    """A changed digest breaks every run that pins it: change it only with the numbers, and say so in CHANGELOG."""
    assert {name: profile.digest for name, profile in shipped().items()} == PINNED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: [", "not YAML"),
        ("- 1", "profile must be a mapping, got list"),
        (MINIMAL + "colour: red", "profile has unknown keys: colour"),
        (MINIMAL + "measure: {grammar: free}", "mine.measure.grammar must be one of .*, got 'free'"),
        (MINIMAL + "measure: {checker: vibes}", "measure.checker must be one of"),
        (MINIMAL + "measure: 5", "profile.measure must be a mapping, got int"),
        (MINIMAL + "estimator: {type: best}", "estimator.type must be one of"),
        (MINIMAL + "estimator: {ddof: true}", "profile.estimator.ddof must be int, got True"),
        (MINIMAL + "estimator: {epsilon: small}", "profile.estimator.epsilon must be float, got 'small'"),
        (
            MINIMAL + "reward: {terms: [{signal: luck, weight: 1}]}",
            r"reward.terms\[0\].signal must be one of",
        ),
        (
            MINIMAL + "reward: {terms: [{signal: entity_match, weight: 1, when: never}]}",
            "when must be one of",
        ),
        (
            MINIMAL
            + "reward: {terms: [{signal: entity_match, weight: 1}, {signal: entity_match, weight: 2}]}",
            "name a signal twice",
        ),
    ],
)
def test_a_bad_profile_is_refused_with_its_path(text, why):
    with pytest.raises(ValueError, match=why):
        parse_profile(text)
