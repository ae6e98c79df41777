"""Profiles as files."""

from importlib import resources

import pytest

from reward_service.core.profiles import DEFAULT_PROFILE, as_yaml, parse_profile, shipped
from reward_service.core.types import Gate, Map

MINIMAL = "name: mine\n"
PARTS = ("measure", "reward", "estimator", "askers", "filters")
PINNED = {
    "egrpo-equivalence": "sha256:347eb63328ceecae69ce6195a8eb9ab260efd2ef56939744340848ce6bb34c90",
    "inforeasoner-model": "sha256:1f5dd4953fb01862e63e4877cec249775a3e1720994311509bd77b3f9cb1cb96",
    "inforeasoner-strict": "sha256:2a9e8f22a450d19b8b313f511cd02cc55ffc4a6bfe7a4f7ade23df1aef0ab913",
    "egrpo-judged": "sha256:be97d3ea2749f9660c9e1403aa3c2004b03fb3a65195b73ddcde6caf211600bc",
    "carr-judged": "sha256:d0110cbadeaa8730ebb834f62b0702807eec2eab18640c4b6cb4cebdbfc2fcff",
    "atom-searcher-judged": "sha256:765192166e0bd6c6922f9b3c8a92caea651e4dfc3a81b32de20e233b08f662a8",
    "atom-searcher": "sha256:fb3c1231960fff01aeef8ce959152f82e8d533c955e04b5b08e90f8144e78cc6",
    "carr": "sha256:d05930081aee496b711a292aeaeabd667ad7e490b7b238f8db6998a38dd58871",
    "carr-released": "sha256:f16e4afb494ec61b5883b2ddf6c39791dd16ea0e4fbe76c56281678542027bbf",
    "carr-wrong": "sha256:beb924180059fac9a069696b9e73f201a85489a963344f7d4249b1d5e05647f8",
    "egrpo": "sha256:6f7b655757e5e72d247456663f6a4e6b3c3b7082e8e5ae03f47622186bcb86e6",
    "egrpo-decay": "sha256:87fc5bda1be5c4aad36f0bb3f79d454ceb61f1c7b5be6ee0516e5810a64deaac",
    "egrpo-first-mention": "sha256:f4aa55d5a6b8c15cba0e5384eeb094608dbfe7eb581d67bae158935b87637e3c",
    "egrpo-guarded": "sha256:7da58520b7a2644861806ef2215281049f44ab62e54d5c657425794ab9630bca",
    "egrpo-paper": "sha256:fc4089d06f42a421a4a87d4d89e51ec02b9a8907bb3e39bddbbb8e419f67f523",
    "egrpo-rescue": "sha256:9ec30f67e660d4037a4f38a513e130a60b8f996ada28de8947a2bf5d12b84767",
    "egrpo-steady": "sha256:6f7b655757e5e72d247456663f6a4e6b3c3b7082e8e5ae03f47622186bcb86e6",
    "egrpo-turn": "sha256:f8283040b80e3db2787a251283cbc55fa9ee42d2df4bd50c6146e73415f1a1f3",
    "entity-utility": "sha256:10f40755a27f01e9a43156c55b2a154bc8a91b28d1164e2852e6a46e845825fd",
    "g-ra": "sha256:fa4d4a2f76e39126a377c2e4d30c598d88e314fd06128abb2846abe9cbeb510e",
    "grpo": "sha256:69ee543310f25f32b65a385e5e286b0bf64503909eb4b8d116d6706407d05349",
    "grpo-equal": "sha256:8762358da2ec10e6690a627dc6efebc0b139cefdca08b694a75ea41ee5a52618",
    "igpo": "sha256:49a5a318cd0e20a73f84c9ae50fbf1bea31f45ff1e096312d9cfc171be0b16fe",
    "inforeasoner": "sha256:54b2e3b32f70dc4dec89565277cdc862c3f240afee9fce4c1745fcdc28e53f04",
    "overlong": "sha256:b94afb2da2694bb6e91fef36522c3bb27184dec2d9f18032236a57141ff041ef",
    "rirs": "sha256:f3c98c2eb89fff36f8e4f08902cdb5ee9c27e6f53f3db923c1db1bb73fcc1962",
    "search-r1-format": "sha256:a91a08cd0c81960dc94c8b795e274c00ec502ee4ebed6e352833df3c2d95d84d",
    "webleaper": "sha256:70ad92f4facd73d062b1454e42b4e024240e74fc31299543ec797b55e6a2b183",
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


VARIANTS = {
    "egrpo-guarded": ("measure",),
    "egrpo-judged": ("measure", "askers"),
    "egrpo-equivalence": ("measure", "askers"),
    "egrpo-rescue": ("reward",),
    "egrpo-decay": ("reward",),
    "egrpo-turn": ("reward",),
    "egrpo-first-mention": ("reward",),
    "grpo-equal": ("reward",),
    "egrpo-steady": (),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_egrpo_in_what_its_name_says_alone(name):
    one, egrpo = shipped()[name], shipped()["egrpo"]
    parts = [part for part in PARTS if getattr(one, part) != getattr(egrpo, part)]

    assert parts == list(VARIANTS[name])


def test_only_egrpo_and_its_variants_bound_the_division():
    floors = {name: one.estimator.floor for name, one in shipped().items() if one.estimator.floor is not None}

    assert floors == dict.fromkeys(sorted({"egrpo", *VARIANTS}), "one_success")


JUDGE = "askers: [{name: answer, template: grade-v1}]\nmeasure: {checker: cascade, "


def asking(asker, name="answer"):
    return (
        MINIMAL
        + f"askers: [{{name: {name}, {asker}}}]\n"
        + f"measure: {{checker: cascade, cascade: {{judge: {name}}}}}"
    )


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
            "map.0. must have exactly one of knots, clip and difference",
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
            MINIMAL + "measure: {matching: {pasted_words: many}}",
            "profile.measure.matching.pasted_words must be int or null, got 'many'",
        ),
        (MINIMAL + MINIMAL, r"invalid YAML: repeated keys: name \(line 1, column 1\)"),
        (MINIMAL + "estimator: {ddof: 1, ddof: 0}", r"repeated keys: ddof \(line 2, column 12\)"),
        ("name: \x00", "invalid YAML: unacceptable character"),
        ("name: a/b", "profile.name must be 1 to 256 characters"),
        ("name: ''", "profile.name must be 1 to 256 characters"),
        (MINIMAL + "measure: {checker: cascade}", "the checker cascade and the key cascade need each other"),
        (MINIMAL + "measure: {cascade: {judge: answer}}", "need each other"),
        (MINIMAL + "measure: {checker: cascade, cascade: 1}", "profile.measure.cascade must be a mapping"),
        (MINIMAL + JUDGE + "cascade: {judge: other}}", "cascade.judge must be the name of an asker"),
        (
            MINIMAL + JUDGE + "cascade: {judge: answer, accept: guess}}",
            "measure.cascade.accept must be one of",
        ),
        (
            MINIMAL + JUDGE + "cascade: {judge: answer, reject: guess}}",
            "measure.cascade.reject must be one of",
        ),
        (asking("template: guess"), r"askers\[0\].template must be one of"),
        (asking("template: grade-v1, quorum: most"), r"askers\[0\].quorum must be one of"),
        (asking("template: grade-v1, abstain: pass"), r"askers\[0\].abstain must be one of"),
        (asking("template: grade-v1, votes: 2"), r"askers\[0\].votes must be 1, or 3 for a verdict, got 2"),
        (asking("template: grade-v1, model: ''"), r"askers\[0\].model must be the name of a model"),
        (asking("template: grade-v1", "'a b'"), r"askers\[0\].name must be a name"),
        (asking("template: grade-v1, temperature: 3"), r"askers\[0\].temperature must be in \[0, 2\]"),
        (asking("template: grade-v1, max_tokens: 0"), r"askers\[0\].max_tokens must be in \[1, inf\]"),
        (asking("template: grade-v1, after: x"), "after must be the name of an asker for equivalence"),
        (
            asking("template: grade-v1", "length"),
            r"askers\[0\].name must be a name that no measured signal has",
        ),
        (
            MINIMAL + "askers: [{name: a, template: support-v1}]",
            "after must be the name of an asker for entities, got ''",
        ),
        (
            MINIMAL + "askers: [{name: a, template: rubric-v1}]",
            "neither the cascade nor a term of the reward uses a",
        ),
        (
            MINIMAL + "askers: [{name: a, template: rubric-v1}, {name: a, template: rubric-v1}]",
            "must be different from those of other askers, got 'a'",
        ),
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
  cascade: null
  threshold: 0.8
  answer_from:
  - answer
  answer_tools: []
  answer_may_be_cut: false
  matching:
    kind: folded
    max_edits: 3
    mask_question: true
    mask_answers: false
    pasted_words: 12
    listed_mentions: 20
    listed_words: 60
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
  turn_terms: []
  turns:
    combine: none
    statistics: joint
    rule: ''
    discount: 1.0
    weight: 1.0
    signal: ''
    unit: 0.0
    cap: 0.0
    sharpness: null
    horizon: 1
    fill: 0.0
estimator:
  type: grpo
  ddof: 1
  epsilon: 1.0e-06
  floor: null
askers: []
filters: []
plugins: []
"""
    )


@pytest.mark.parametrize(("written", "value"), [("1e-6", 1e-6), ("1E+2", 100.0), ("2", 2.0), (".5e1", 5.0)])
def test_a_number_may_be_written_in_any_usual_way(written, value):
    profile = parse_profile(MINIMAL + f"estimator: {{epsilon: {written}}}")
    assert profile.estimator.epsilon == value


def test_a_number_or_null_takes_both():
    matching = parse_profile(
        MINIMAL + "measure: {matching: {precision_floor: 1, pasted_words: null}}"
    ).measure.matching
    assert (matching.precision_floor, matching.pasted_words) == (1.0, None)
