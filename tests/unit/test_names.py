import pytest

from reward_service.core.names import is_name, is_path


@pytest.mark.parametrize("text", ["./mine.yaml", "mine.yaml", "mine.yml", "a/b", "a\\b", "/", ".yaml"])
def test_a_separator_or_an_ending_of_yaml_makes_a_path(text):
    assert is_path(text)
    assert not is_name(text)


@pytest.mark.parametrize("text", ["mine", "egrpo-paper", "v1.2", "α = 0.5", "yaml", "mine.json", "x" * 256])
def test_anything_else_that_an_id_may_be_is_a_name(text):
    assert is_name(text)
    assert not is_path(text)


@pytest.mark.parametrize("text", ["", "a\nb", "a\x7f", "x" * 257])
def test_what_no_id_may_be_is_neither(text):
    assert not is_name(text)
    assert not is_path(text)
