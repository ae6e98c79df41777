"""A folder of a model is data: what could execute code is refused, and what changed is noticed."""

import json

import pytest

from reward_service.serve.sources.models.folder import UnsafeFolder, check_folder, folder_digest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "tokenizer.json").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def test_a_digest_covers_names_and_contents_and_no_hidden_file(folder):
    digest = folder_digest(folder)
    (folder / ".gitattributes").write_text("x")
    (folder / "onnx").mkdir()
    assert folder_digest(folder) == digest
    check_folder(folder, digest)

    (folder / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(UnsafeFolder, match=f"not {digest}"):
        check_folder(folder, digest)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.PT", "model.ckpt", "vocab.pkl", "modeling_own.py"]
)
def test_what_could_execute_code_is_refused(folder, name):
    (folder / name).write_bytes(b"")

    with pytest.raises(UnsafeFolder, match=name):
        folder_digest(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_configuration_that_asks_for_code_from_elsewhere_is_refused(folder, name):
    (folder / name).write_text(json.dumps({"auto_map": {"AutoModel": "modeling_own.Model"}}))

    with pytest.raises(UnsafeFolder, match="auto_map"):
        folder_digest(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_without_a_model_is_refused(folder, name):
    (folder / name).unlink()

    with pytest.raises(UnsafeFolder, match=r"no config\.json, or no weights"):
        folder_digest(folder)


def test_a_broken_configuration_is_refused(folder):
    (folder / "config.json").write_text("{")

    with pytest.raises(UnsafeFolder, match="is no JSON"):
        folder_digest(folder)
