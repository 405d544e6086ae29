import pytest

from shop.core.registry import register

pytest.skip("later", allow_module_level=True)
from shop.below_skip import u
