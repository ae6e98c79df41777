"""Profiles of a folder and of a file: what is read, what is refused, and what a name, a path or a pin means."""

import re

import pytest

from reward_service.core.profiles import as_yaml, shipped
from reward_service.serve.config import Settings
from reward_service.serve.errors import BadProfile, ProfileMismatch, UnknownProfile
from reward_service.serve.profiles import load, origin_of, read_folder, read_profile

HALF = "reward: {terms: [{signal: entity_match, weight: 0.5, normalize: group_max, when: wrong}]}\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\n" + HALF)
    return tmp_path


def test_a_folder_stands_beside_the_shipped_profiles(folder):
    profiles = load(Settings(profiles=folder))

    assert list(profiles.known) == sorted([*shipped(), "mine"])
    assert profiles.named("mine").reward.terms[0].weight == 0.5
    assert [origin_of(profiles.named(name)) for name in ("mine", "egrpo")] == ["folder", "shipped"]


def test_without_a_folder_there_are_the_shipped_profiles():
    assert load(Settings()).known == shipped()


def test_a_profile_of_the_folder_can_be_the_default(folder):
    assert load(Settings(profiles=folder, default_profile="mine")).named(None).name == "mine"


def test_other_files_hidden_ones_and_folders_are_ignored(folder):
    (folder / "README.md").write_text("not a profile")
    (folder / ".mine.yaml").write_text("- not a profile")
    (folder / "old.yaml").mkdir()

    assert list(read_folder(folder)) == ["mine"]


def test_a_copy_of_a_shipped_profile_is_no_other_profile(folder):
    (folder / "egrpo.yaml").write_text("about: ours\n" + as_yaml(shipped()["egrpo"]).replace("about", "#", 1))

    assert load(Settings(profiles=folder)).named("egrpo") is shipped()["egrpo"]


def refused(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadProfile) as caught:
        read_folder(path.parent)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "egrpo.yaml",
            "name: egrpo\n" + HALF,
            "'egrpo' is the name of a shipped profile with different content",
        ),
        ("mine.yaml", "name: yours\n", "profile.name must be 'mine', the name of the file, got 'yours'"),
        ("mine.yml", "name: mine\n", "another file also contains the profile 'mine'"),
        ("a.yaml.yaml", "name: a.yaml\n", "not end in .yaml"),
        (
            "other.yaml",
            "name: other\nreward: {terms: [{weight: 1}]}\n",
            r"reward.terms\[0\] is missing keys: signal",
        ),
        (
            "other.yaml",
            "name: other\nname: other\n",
            r"invalid YAML: repeated keys: name \(line 1, column 1\)",
        ),
        ("other.yaml", b"name: \xff\n", "utf-8"),
        ("other.yaml", "", "profile must be a mapping, got NoneType"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_path_in_one_line(folder, name, text, why):
    assert re.search(why, refused(folder / name, text))


def test_a_folder_or_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match="the folder of profiles does not exist"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path)


def test_a_command_line_gives_a_name_or_a_path(folder):
    profiles = load(Settings())

    assert profiles.resolve("grpo") is shipped()["grpo"]
    assert profiles.resolve(None) is shipped()["egrpo"]
    assert profiles.resolve(str(folder / "mine.yaml")) == read_profile(folder / "mine.yaml")
    with pytest.raises(UnknownProfile, match=r"available profiles: .*egrpo,"):
        profiles.resolve("mine")
    with pytest.raises(FileNotFoundError):
        profiles.resolve("./nowhere.yaml")


def test_a_changed_file_is_another_profile_for_whatever_pinned_it(folder):
    pinned = load(Settings(profiles=folder)).named("mine").digest
    (folder / "mine.yaml").write_text("name: mine\n")
    changed = load(Settings(profiles=folder))

    assert changed.pinned("mine", None).name == "mine"
    with pytest.raises(ProfileMismatch, match=changed.named("mine").digest):
        changed.pinned("mine", pinned)


def test_prose_and_written_defaults_change_no_pin(folder):
    pinned = load(Settings(profiles=folder)).named("mine").digest
    (folder / "mine.yaml").write_text("# half\nname: mine\nabout: other words\nestimator: {ddof: 1}\n" + HALF)

    assert load(Settings(profiles=folder)).pinned("mine", pinned).about == "other words"
