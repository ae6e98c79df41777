"""The backends file."""

import pytest

from reward_service.serve.errors import BadBackends
from reward_service.serve.sources.backends import load, parse

INSIDE = "{name: a, serves: [judge], url: 'http://judge:8000/v1'}"


def read(text, **environment):
    return parse(text, environment=environment)


def test_a_backend_serves_roles_under_its_own_names():
    [one] = read(
        "[{name: a, serves: {judge: Qwen/Qwen3-32B}, url: 'http://judge.rl.svc:8000/v1', flavour: vllm}]"
    )

    assert one.names == {"judge": "Qwen/Qwen3-32B"}
    assert read(f"[{INSIDE}]")[0].names == {"judge": "judge"}


def test_a_key_is_read_and_never_shown(tmp_path):
    (tmp_path / "key").write_text("sk-secret\n")
    of_file, of_environment = read(
        f"""
- {{name: a, serves: [x], url: "http://judge/v1", key_file: {tmp_path / "key"}}}
- {{name: b, serves: [y], url: "http://judge/v1", key_env: JUDGE_KEY}}
""",
        JUDGE_KEY="sk-other",
    )

    assert [one.key.get_secret_value() for one in (of_file, of_environment)] == ["sk-secret", "sk-other"]
    assert "sk-" not in repr(of_file) + str(of_environment.model_dump())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "judge", "judge.rl.svc", "judge.svc.cluster.local", "10.0.0.7", "[::1]"],
)
def test_a_host_inside_needs_no_egress(host):
    assert read(f"[{{name: a, serves: [judge], url: 'http://{host}:8000/v1'}}]")[0].is_inside


@pytest.mark.parametrize("host", ["api.openai.com", "8.8.8.8", "judge.example.org", "svc.example.org"])
def test_a_host_outside_has_to_be_allowed(host):
    with pytest.raises(ValueError, match="egress: allowed"):
        read(f"[{{name: a, serves: [judge], url: 'https://{host}/v1'}}]")

    assert read(f"[{{name: a, serves: [judge], url: 'https://{host}/v1', egress: allowed}}]")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not valid YAML"),
        ("name: a", "the file: Input should be a valid list"),
        ("[{name: a}]", "0.serves: Field required"),
        ("[{name: a, serves: [x], url: 'http://a', models: 1}]", "0.models: Extra inputs"),
        ("[{name: a, serves: [x], url: 'ftp://a'}]", "must start with http"),
        ("[{name: a, serves: [x], url: 'http://me:pw@a/v1'}]", "must not contain a user"),
        ("[{name: a, serves: [x], url: 'http://a/v1?key=1'}]", "a query"),
        ("[{name: a, serves: [x], url: 'http://a', flavour: tgi}]", "0.flavour"),
        ("[{name: a, serves: [x], url: 'http://a', timeout_s: 0}]", "0.timeout_s"),
        ("[{name: a, serves: [x], url: 'http://a', key_file: /a, key_env: B}]", "not both"),
        ("[{name: a, serves: [x], url: 'http://a', key_file: /no/such/file}]", "cannot be read"),
        ("[{name: a, serves: [x], url: 'http://a', key_env: NO_SUCH}]", "there is no key in NO_SUCH"),
        ("[{name: a, serves: [x], url: 'http://8.8.8.8', egress: allowed, key_env: K}]", "unencrypted"),
        (f"[{INSIDE}, {INSIDE}]", "two backends are called 'a'"),
        (f"[{INSIDE}, {INSIDE.replace('name: a', 'name: b')}]", "two backends serve 'judge'"),
    ],
)
def test_a_bad_file_is_refused_with_its_path(text, why):
    with pytest.raises(ValueError, match=why) as refused:
        read(text, K="sk-secret")

    assert "pw" not in str(refused.value)
    assert "sk-" not in str(refused.value)


def test_a_file_is_refused_with_its_name(tmp_path):
    (tmp_path / "backends.yaml").write_text("[]x")

    with pytest.raises(BadBackends, match=r"backends.yaml: it is not valid YAML"):
        load(tmp_path / "backends.yaml")


DIGEST = f"sha256:{'0' * 64}"


def in_a_folder(serves="[nli]", **torch):
    spec = {"folder": "/models/nli", "digest": f"'{DIGEST}'"} | torch
    return f"[{{name: a, serves: {serves}, torch: {{{', '.join(f'{k}: {v}' for k, v in spec.items())}}}}}]"


def test_a_model_in_a_folder_is_a_backend_that_scores_and_has_no_host():
    [one] = read(in_a_folder(serves="{nli: deberta}", device="'cuda:1'", dtype="bfloat16"))

    assert (one.scores, one.host, one.names) == (True, "", {"nli": "deberta"})
    assert one.torch.fixed_shapes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[{name: a, serves: [nli]}]", "give either url or torch"),
        (in_a_folder().replace("torch:", "url: 'http://a', torch:"), "give either url or torch"),
        (in_a_folder(serves="[nli, other]"), "a folder holds one model"),
        (in_a_folder(buckets="[64, 32]"), "buckets must rise"),
        (in_a_folder(buckets="[]"), "at least 1 item"),
        (in_a_folder(max_batch_tokens=256), "longer texts could never be computed"),
        (in_a_folder(device="tpu"), "should match pattern"),
        (in_a_folder(digest="sha256"), "should match pattern"),
        (in_a_folder(trust_remote_code="true"), "Extra inputs"),
    ],
)
def test_a_model_that_could_not_be_computed_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        read(text)


@pytest.mark.parametrize(
    ("flavour", "scores"), [("plain", False), ("vllm", False), ("tei", True), ("vllm-scores", True)]
)
def test_the_flavour_says_whether_a_server_scores_or_writes(flavour, scores):
    [one] = read(f"[{{name: a, serves: [x], url: 'http://a:80', flavour: {flavour}}}]")

    assert one.scores is scores
