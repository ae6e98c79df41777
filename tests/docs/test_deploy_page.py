"""What docs/deploy.md shows can be done."""

import re

import yaml

from reward_service.serve.config import Settings
from scripts import sizing
from tests.deploy.rendered import NAMESPACE, ROOT, objects, one, with_keys

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_the_values_of_the_five_commands_render():
    (values,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "image:" in block]

    found = objects(yaml.safe_load(values))

    assert one(found, "Deployment")["spec"]["replicas"] == 2
    assert NAMESPACE
    assert [o["kind"] for o in found].count("Job") == 1


def test_the_values_of_models_render():
    (values,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "worker:" in block]

    found = objects(with_keys(**yaml.safe_load(values.replace("sha256:...", f"sha256:{'0' * 64}"))))

    assert [o["metadata"]["name"] for o in found if o["kind"] == "Deployment"][1:] == [
        "rewards-reward-service-worker-same"
    ]


def test_the_table_of_sizes_is_what_the_measurements_say():
    assert sizing.page() == PAGE, "run make pages"


def test_more_text_and_more_rollouts_need_more():
    of = sizing.measured()
    small, large = sizing.size(256, 8_000, of), sizing.size(16_384, 512_000, of)

    assert all(measured > 0 for measured in of)
    assert all(more > less for more, less in zip(large, small, strict=True))


def test_settings_that_are_named_exist():
    for name in (
        "drain_delay_s",
        "drain_timeout_s",
        "max_wait_s",
        "request_timeout_s",
        "group_ttl_s",
        "max_body_bytes",
    ):
        assert f"`{name}`" in PAGE
        assert name in Settings.model_fields
