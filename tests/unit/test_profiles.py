"""Profiles as files."""

from importlib import resources

import pytest

from reward_service.core.profiles import DEFAULT_PROFILE, as_yaml, parse_profile, shipped
from reward_service.core.types import Gate, Map

MINIMAL = "name: mine\n"
PINNED = {
    "atom-searcher": "sha256:1e0383bd556e98d7f59bd802c995464d2d2e781e9a5499f47344670f5c4d2251",
    "carr": "sha256:b32133fc6ea4d64ddff0d1e16084464c4c6bce2c6fff9dad98a5c77d326e97a6",
    "carr-released": "sha256:e93d8b9c24dfd807f799c6b23f86675d531ab88d2f7ba80a3bcca86bf8fdcdbf",
    "carr-wrong": "sha256:4b1f06c04e65816b451e13bedc55eb44321ecac420b5484808e52ec41c503d15",
    "egrpo": "sha256:40538d34745e460b8ba38bd1f4846ff454b45fcaecfe99c675a0377a9dd9a038",
    "egrpo-decay": "sha256:0c8560e742e698f6efced3aa7a92148809395e7ac53695087297bd462fbbb471",
    "egrpo-guarded": "sha256:748f523b57b4e80602ff11bb4939d52c2ecfffcd88cc21815a1275273daa09e1",
    "egrpo-paper": "sha256:fc4089d06f42a421a4a87d4d89e51ec02b9a8907bb3e39bddbbb8e419f67f523",
    "egrpo-rescue": "sha256:7e1ac147956961ae3dec84e36c1365a61ce294487603803200e9a0411717f4a0",
    "egrpo-steady": "sha256:6f53aa6dba69efbc8c9fc79e018f461f5afbf470017b11c279f4fbaea416eaaa",
    "grpo": "sha256:69ee543310f25f32b65a385e5e286b0bf64503909eb4b8d116d6706407d05349",
    "grpo-equal": "sha256:67d6291b301412df4a6ca7808aeafac9d0587b06ece3c68e72bab0157cd9d52c",
    "inforeasoner": "sha256:f51fb3a6595a09274241851354fd1f9fd62c6519befc1e38e6447dcace8324e9",
    "overlong": "sha256:22c7efb30e90f2fbaa68ecceb7a6277bc091c49875ff8b426d223a43794ca503",
    "rirs": "sha256:4789a53b56e1fa9158d5eb1bde9854a68b3e4f24e1862a3ea17131dc2034d1fb",
    "search-r1-format": "sha256:c641b54f15a036a6883b56eb11054667d9e4e5e60047a2f0a88accfb7caad2d6",
    "webleaper": "sha256:5873b520c461c0a78d21f5272531552e96a9c3c69390e7f9b50f61cf33a9dd10",
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
            "reward.terms: a name must match",
        ),
        (
            MINIMAL + "reward: {terms: [{signal: entity_match, weight: 1, when: never}]}",
            "when must be one of",
        ),
        (
            MINIMAL
            + "reward: {terms: [{signal: entity_match, weight: 1}, {signal: entity_match, weight: 2}]}",
            "must have different names, none of them base: got entity_match",
        ),
        ("about: nameless", "profile is missing keys: name"),
        (MINIMAL + "1: one", "profile has unknown keys: 1"),
        (MINIMAL + "about: [words]", r"profile.about must be str, got \['words'\]"),
        (MINIMAL + "reward: {terms: none}", "profile.reward.terms must be a list, got 'none'"),
        (MINIMAL + "reward: {terms: [{weight: 1}]}", r"profile.reward.terms\[0\] is missing keys: signal"),
        (MINIMAL + "reward: {base: {correct: .nan}}", "profile.reward.base.correct must be finite, got nan"),
        (MINIMAL + "reward: {base: {error: 1e999}}", "profile.reward.base.error must be finite, got inf"),
        (MINIMAL + "measure: {threshold: 1.1}", r"profile.measure.threshold must be in \[0, 1\], got 1.1"),
        (MINIMAL + "estimator: {ddof: 2}", r"profile.estimator.ddof must be in \[0, 1\], got 2"),
        (MINIMAL + "estimator: {epsilon: -1}", r"profile.estimator.epsilon must be in \[0, inf\], got -1.0"),
        (
            MINIMAL + "estimator: {type: gdpo}",
            "profile.estimator.type: gdpo needs all groups of a training step at once",
        ),
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
            MINIMAL + "reward: {terms: [{signal: x, weight: [[1, 0], [0, 1]]}]}",
            "weight must be in the order of x",
        ),
        (
            MINIMAL + "reward: {terms: [{signal: x, weight: [[1]]}]}",
            r"weight must be a list of points \[x, y\]",
        ),
        (MINIMAL + "reward: {terms: [{signal: x, weight: []}]}", r"weight must be a list of points"),
        (MINIMAL + "reward: {terms: [{signal: x, weight: a}]}", "weight must be float or a list, got 'a'"),
        (
            MINIMAL + "reward: {terms: [{signal: x, map: [{}]}]}",
            "map.0. must have exactly one of knots and clip",
        ),
        (MINIMAL + "reward: {terms: [{signal: x, map: [{knots: [[0]]}]}]}", "knots must be a list of points"),
        (MINIMAL + "reward: {terms: [{signal: x, map: [{clip: [1, 0]}]}]}", "clip must be a low and a high"),
        (
            MINIMAL + "reward: {terms: [{signal: x, map: [{clip: [1]}]}]}",
            "clip must be a low and a high number",
        ),
        (
            MINIMAL + "reward: {terms: [{signal: x, map: [{clip: [0, 1], outside: 0}]}]}",
            "outside needs knots",
        ),
        (MINIMAL + "reward: {terms: [{signal: x, map: 1}]}", "terms.0..map must be a list, got 1"),
        (
            MINIMAL + 'reward: {terms: [{signal: x, gates: [{signal: "a b", op: ">", value: 0}]}]}',
            "a name must match",
        ),
        (MINIMAL + "reward: {terms: [{signal: x, name: base}]}", "none of them base: got base"),
        (
            MINIMAL + "measure: {matching: {kind: substring}}\nreward: {terms: [{signal: entity_f}]}",
            "entity_f needs mentions to be counted",
        ),
        (
            MINIMAL + "filters: [{type: dagrpo}]",
            r"filters\[0\]: dagrpo needs a signal and a distance above 0",
        ),
        (MINIMAL + "filters: [{type: zero_spread, tolerance: -1}]", r"filters\[0\].tolerance must be in"),
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


def test_a_profile_may_use_every_word_of_the_algebra():
    text = (
        MINIMAL
        + """
reward:
  base: {correct: 0.7, wrong: -0.1, error: -1}
  terms:
    - {signal: x, name: early, weight: [[0, 1], [1, 0]], map: [{knots: [[0, 0], [5, 1]], outside: -1}, {clip: [0, 1]}]}
    - {signal: x, normalize: group_z, when: any, gates: [{signal: y, op: ">=", value: 0.5}]}
"""
    )
    profile = parse_profile(text)

    early, plain = profile.reward.terms
    assert early.map == (Map(knots=((0.0, 0.0), (5.0, 1.0)), outside=-1.0), Map(clip=(0.0, 1.0)))
    assert plain.gates == (Gate("y", ">=", 0.5),)
    assert parse_profile(as_yaml(profile)) == profile


def test_the_default_profile_is_short():
    text = resources.files("reward_service.core.profiles").joinpath("egrpo.yaml").read_text("utf-8")

    assert len(text.splitlines()) <= 12


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
  base:
    correct: 1.0
    wrong: 0.0
    error: 0.0
estimator:
  type: grpo
  ddof: 1
  epsilon: 1.0e-06
  floor: null
filters: []
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
