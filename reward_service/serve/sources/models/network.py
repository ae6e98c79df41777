"""A model in torch: sequence classification of the transformers library, from a folder that was checked.

Settings that trade exactness for speed are off: TF32, cuDNN's choice of algorithms by trying, attention that chooses its
kernel by the machine's state.
"""

from collections.abc import Sequence
from math import isclose
from typing import Any, cast

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.engine import Encoded, OutOfMemory
from reward_service.serve.sources.models.folder import check_folder
from reward_service.serve.sources.models.shapes import BatchShape

TOLERANCES = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 1e-1}
"""Of a number that a model ends with: padding changes the order of sums, and nothing else."""
OFFLINE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def device_of(name: str) -> torch.device:
    """Return a device; `auto` is the first GPU if there is one."""
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


class Network:
    """A loaded model."""

    def __init__(self, spec: TorchModel) -> None:
        """Load a model.

        Raises:
            UnsafeFolder: the folder is not the one that was pinned, or must not be used.
            OSError, ValueError: it holds no model of this kind.
        """
        check_folder(spec.folder, spec.digest)
        _be_exact(spec.threads)
        self._device = device_of(spec.device)
        disable_progress_bar()
        self._tokenizer = AutoTokenizer.from_pretrained(spec.folder, **OFFLINE)
        model = _whole_model(spec)
        self._model = model.to(self._device).eval()
        self._padding = self._tokenizer.pad_token_id or 0
        if self._model.config.pad_token_id is None:
            self._model.config.pad_token_id = self._padding
        self.labels: list[str] = [model.config.id2label[n] for n in range(model.config.num_labels)]
        positions = getattr(model.config, "max_position_embeddings", None)
        if isinstance(positions, int) and spec.buckets[-1] > positions:
            raise ValueError(f"its longest text has {positions} tokens, less than the last bucket")
        self._check_padding(BatchShape(spec.rows, spec.buckets[-1]), TOLERANCES[spec.dtype])

    def _check_padding(self, shape: BatchShape, tolerance: float) -> None:
        """Make sure that padding is no part of the text for this model, as it is for some that look for their last token.

        Raises:
            ValueError: it is.
        """
        text = self.encode(["a"])
        [[alone], [padded]] = (
            [self.compute([text], one)[0]] for one in (BatchShape(1, len(text.ids)), shape._replace(rows=1))
        )
        if not all(
            isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
            for one, other in zip(alone, padded, strict=True)
        ):
            raise ValueError("padding changes what it computes")

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return the ids of one or two texts, with the model's marks; nothing is cut."""
        whole = [text.encode("utf-8", "replace").decode() for text in texts]  # JSON may hold half a character
        found = self._tokenizer(*whole, truncation=False, verbose=False)
        ids = tuple(found["input_ids"])
        return Encoded(ids, tuple(found.get("token_type_ids", (0,) * len(ids))))

    def compute(self, batch: Sequence[Encoded], shape: BatchShape) -> list[list[float]]:
        """Return the numbers of each text in float32, from a batch of this shape.

        Raises:
            OutOfMemory: it does not fit.
        """
        try:
            with torch.inference_mode():
                found = self._model(**self._inputs(batch, shape)).logits[: len(batch)]
                return cast("list[list[float]]", found.float().cpu().tolist())
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise OutOfMemory from None

    def _inputs(self, batch: Sequence[Encoded], shape: BatchShape) -> dict[str, torch.Tensor]:
        """Return the tensors of a batch, padded on the right; a row of padding alone attends to its first token."""
        ids = torch.full(shape, self._padding, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        kinds = torch.zeros(shape, dtype=torch.long)
        mask[:, 0] = 1
        for n, one in enumerate(batch):
            ids[n, : len(one.ids)] = torch.tensor(one.ids)
            mask[n, : len(one.ids)] = 1
            kinds[n, : len(one.ids)] = torch.tensor(one.kinds)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in self._tokenizer.model_input_names:
            inputs["token_type_ids"] = kinds
        return {name: tensor.to(self._device) for name, tensor in inputs.items()}


def _whole_model(spec: TorchModel) -> Any:
    """Return the model of a folder.

    Raises:
        ValueError: weights are missing, which the library would draw at random: an encoder has no head that scores, and its
            numbers would mean nothing and differ from process to process.
    """
    model, found = AutoModelForSequenceClassification.from_pretrained(
        spec.folder,
        use_safetensors=True,
        dtype=getattr(torch, spec.dtype),
        attn_implementation="eager",
        output_loading_info=True,
        **OFFLINE,
    )
    absent = sorted(found["missing_keys"])
    if absent:
        raise ValueError(f"it is no model that scores texts: its weights have no {', '.join(absent[:4])}")
    return model


def _be_exact(threads: int | None) -> None:
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    if threads is not None:
        torch.set_num_threads(threads)
