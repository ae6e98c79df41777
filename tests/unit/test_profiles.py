"""Profiles as files."""

import pytest

from reward_service.core.profiles import DEFAULT_PROFILE, as_yaml, parse_profile, shipped

MINIMAL = "name: mine\n"
PINNED = {
    "egrpo": "sha256:40538d34745e460b8ba38bd1f4846ff454b45fcaecfe99c675a0377a9dd9a038",
    "egrpo-guarded": "sha256:748f523b57b4e80602ff11bb4939d52c2ecfffcd88cc21815a1275273daa09e1",
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
        ("name: [", "invalid YAML"),
        ("- 1", "profile must be a mapping, got list"),
        (MINIMAL + "colour: red", "profile has unknown keys: colour"),
        (MINIMAL + "measure: {grammar: free}", "mine.measure.grammar must be one of .*, got 'free'"),
        (MINIMAL + "measure: {checker: vibes}", "measure.checker must be one of"),
        (MINIMAL + "measure: 5", "profile.measure must be a mapping, got int"),
        (MINIMAL + "estimator: {type: best}", "estimator.type must be one of"),
        (MINIMAL + "estimator: {ddof: true}", "profile.estimator.ddof must be int, got True"),
        (MINIMAL + "estimator: {epsilon: small}", "profile.estimator.epsilon must be float, got 'small'"),
        (
            MINIMAL + "reward: {terms: [{signal: sheer luck, weight: 1}]}",
            r"reward.terms\[0\].signal must match",
        ),
        (
            MINIMAL + "reward: {terms: [{signal: entity_match, weight: 1, when: never}]}",
            "when must be one of",
        ),
        (
            MINIMAL
            + "reward: {terms: [{signal: entity_match, weight: 1}, {signal: entity_match, weight: 2}]}",
            "must name each signal only once",
        ),
        ("about: nameless", "profile is missing keys: name"),
        (MINIMAL + "1: one", "profile has unknown keys: 1"),
        (MINIMAL + "about: [words]", r"profile.about must be str, got \['words'\]"),
        (MINIMAL + "reward: {terms: none}", "profile.reward.terms must be a list, got 'none'"),
        (MINIMAL + "reward: {terms: [{weight: 1}]}", r"profile.reward.terms\[0\] is missing keys: signal"),
        (MINIMAL + "reward: {outcome_weight: .nan}", "profile.reward.outcome_weight must be finite, got nan"),
        (MINIMAL + "reward: {error_reward: 1e999}", "profile.reward.error_reward must be finite, got inf"),
        (MINIMAL + "measure: {threshold: 1.1}", r"profile.measure.threshold must be in \[0, 1\], got 1.1"),
        (MINIMAL + "estimator: {ddof: 2}", r"profile.estimator.ddof must be in \[0, 1\], got 2"),
        (MINIMAL + "estimator: {epsilon: -1}", r"profile.estimator.epsilon must be in \[0, inf\], got -1.0"),
        (MINIMAL + "estimator: {floor: -1}", r"profile.estimator.floor must be at least 0, got -1.0"),
        (
            MINIMAL + "estimator: {floor: low}",
            r"profile.estimator.floor must be null, a number or one_success",
        ),
        (
            MINIMAL + "estimator: {floor: [1]}",
            r"profile.estimator.floor must be float or str or null, got \[1\]",
        ),
        (MINIMAL + "estimator: {type: rloo, floor: 1}", "profile.estimator.floor has no effect on rloo"),
        (
            MINIMAL + "measure: {matching: {max_edits: 9}}",
            r"profile.measure.matching.max_edits must be in \[0, 3\], got 9",
        ),
        (
            MINIMAL + "measure: {matching: {pasted_tokens: many}}",
            "profile.measure.matching.pasted_tokens must be int or null, got 'many'",
        ),
        (MINIMAL + MINIMAL, r"invalid YAML: repeated keys: name \(line 1, column 1\)"),
        (MINIMAL + "estimator: {ddof: 1, ddof: 0}", r"repeated keys: ddof \(line 2, column 12\)"),
        ("name: \x00", "invalid YAML: unacceptable character"),
        ("name: a/b", "profile.name must be 1 to 256 characters"),
        ("name: ''", "profile.name must be 1 to 256 characters"),
    ],
)
def test_a_bad_profile_is_refused_with_its_path(text, why):
    with pytest.raises(ValueError, match=why):
        parse_profile(text)


@pytest.mark.parametrize("name", PINNED)
def test_a_profile_written_out_is_the_same_profile(name):
    assert parse_profile(as_yaml(shipped()[name])) == shipped()[name]


def test_a_profile_written_out_has_every_key():
    assert as_yaml(parse_profile(MINIMAL)) == (
        """\
name: mine
about: ''
measure:
  grammar: balanced
  checker: exact_match
  threshold: 0.8
  matching:
    kind: folded
    max_edits: 3
    mask_question: true
    mask_answers: false
    pasted_tokens: 12
    listed_mentions: 18
    listed_window: 400
    grounded: false
    precision_floor: null
    max_chars: 4000000
    max_hits: 250000
reward:
  terms: []
  outcome_weight: 1.0
  error_reward: 0.0
estimator:
  type: grpo
  ddof: 1
  epsilon: 1.0e-06
  floor: null
"""
    )


@pytest.mark.parametrize(("written", "value"), [("1e-6", 1e-6), ("1E+2", 100.0), ("2", 2.0), (".5e1", 5.0)])
def test_a_number_may_be_written_in_any_usual_way(written, value):
    profile = parse_profile(MINIMAL + f"estimator: {{epsilon: {written}}}")
    assert profile.estimator.epsilon == value


def test_a_number_or_null_takes_both():
    matching = parse_profile(
        MINIMAL + "measure: {matching: {precision_floor: 1, pasted_tokens: null}}"
    ).measure.matching
    assert (matching.precision_floor, matching.pasted_tokens) == (1.0, None)
