from __future__ import annotations

import pytest

from bridge.sources.catalogue import available_platforms, load_platform


def test_a_platform_is_its_module() -> None:
    assert "bilibili" in available_platforms()
    for name in available_platforms():
        assert load_platform(name).name == name
    with pytest.raises(KeyError):
        load_platform("nonsense")
    with pytest.raises(KeyError):
        load_platform("../contract")
