"""Keys, and the file that holds them."""

import contextlib
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reward_service.api.keys import FIELDS, BadKeyFile, KeyRing, find, generate, parse_keys

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HASH = "ab" * 32


def one(**changes):
    fields = {"id": "a", "sha256": HASH, "scopes": "[score]"} | changes
    return "- {" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}\n"


def test_a_generated_key_is_found_with_its_scopes():
    token, lines = generate("trainer-a", ["score"])

    key = find(parse_keys(lines), token.encode())

    assert (key.id, key.scopes) == ("trainer-a", {"score"})
    assert key.allows("score")
    assert key.allows(None)
    assert not key.allows("ingest")
    assert token.split("_", 2)[2] not in lines


@pytest.mark.parametrize(
    "token", [b"", b"rk", b"rk_a", b"rk_a_", b"rk__x", b"xx_a_x", b"rk_nobody_x", b"rk_a_\xe9", "é".encode()]
)
def test_anything_else_is_no_key(token):
    assert find(parse_keys(one()), token) is None


def test_the_hash_of_nothing_does_not_open_an_unknown_id():
    assert find({}, b"rk__") is None


@pytest.mark.parametrize(
    ("end", "valid"), [("2026-05-31", False), ("2026-06-01", True), ("2026-06-01T11:00:00Z", False)]
)
def test_a_key_ends(end, valid):
    token, lines = generate("a", ["score"])
    keys = parse_keys(lines.rstrip() + f"\n  not_after: {end}\n")

    assert find(keys, token.encode()).has_ended(NOW) is not valid


def test_admin_allows_everything():
    token, lines = generate("root", ["admin"])

    assert find(parse_keys(lines), token.encode()).allows("ingest")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not valid YAML"),
        ("", "must be a list"),
        ("[]", "at least one"),
        ("- 5", "key 1 must have the fields"),
        (one(colour="red"), "key 1 must have the fields"),
        (one(id="A_b"), "lower-case"),
        (one(sha256="beef"), "64 hexadecimal"),
        (one(scopes="[]"), "scopes must be"),
        (one(scopes="[everything]"), "scopes must be"),
        (one(scopes="[[score]]"), "scopes must be"),
        (one(scopes="[{score: 1}]"), "scopes must be"),
        (one(owner="[a]"), "the owner must consist of lower-case"),
        (one(owner="Team A"), "the owner must consist of lower-case"),
        (one(not_after="soon"), "not_after must be a date"),
        (one(not_after="2026-99-99"), "not valid YAML"),
        ("[" * 100_000, "not valid YAML"),
        (one() + one(), "same id"),
    ],
)
def test_a_bad_file_is_one_sentence(text, why):
    with pytest.raises(BadKeyFile, match=why):
        parse_keys(text)


def test_a_ring_follows_its_file_and_keeps_the_keys_through_a_bad_one(tmp_path):
    file, now, failures = tmp_path / "keys.yaml", [0.0], []
    old, old_lines = generate("a", ["score"])
    new, new_lines = generate("b", ["score"])
    file.write_text(old_lines, encoding="utf-8")
    ring = KeyRing(file, clock=lambda: now[0], failed=lambda: failures.append(1))

    def valid(token):
        return find(ring.keys(), token.encode()) is not None

    def replace(text):
        other = tmp_path / "other"
        other.write_bytes(text if isinstance(text, bytes) else text.encode())
        other.replace(file)
        now[0] += 1

    replace(old_lines + new_lines)
    assert valid(old)
    assert valid(new)
    replace(new_lines)
    assert not valid(old)
    for n, broken in enumerate((b"{", b"- {id: bad, scopes: [[score]]}", b"\xff", b"[" * 100_000), start=1):
        replace(broken)
        assert valid(new)
        assert len(failures) == n


def test_what_is_wrong_with_a_changed_file_is_logged_once(tmp_path, caplog):
    file, now = tmp_path / "keys.yaml", [0.0]
    _, lines = generate("a", ["score"])
    file.write_text(lines, encoding="utf-8")
    ring = KeyRing(file, clock=lambda: now[0], failed=lambda: None)

    for text in ("- 5", "- 5", lines, "- 5"):
        file.with_name("other").write_text(text, encoding="utf-8")
        file.with_name("other").replace(file)
        now[0] += 1
        ring.keys()

    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 2
    assert all("stay valid: key 1 must have the fields id, scopes and sha256" in one for one in said)


def test_an_owner_is_the_keys_id_until_several_keys_share_one():
    keys = parse_keys(one() + one(id="b", owner="team") + one(id="c", owner="team", scopes="[admin]"))

    assert [keys[name].owner for name in "abc"] == ["a", "team", "team"]


YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.text() | st.dictionaries(st.sampled_from(sorted(FIELDS)), YAML).map(lambda key: yaml.safe_dump([key]))
)
def test_whatever_a_key_file_says_it_is_keys_or_a_bad_key_file(text):
    with contextlib.suppress(BadKeyFile):
        assert parse_keys(text)
