"""What the whole suite shares; the fixtures themselves live in `tests/support`."""

from hypothesis import settings

# The suite shares few cores, so a slow example proves nothing.
settings.register_profile("interlock", deadline=None)
settings.load_profile("interlock")

pytest_plugins = ["tests.support.plugin", "tests.support.app", "tests.support.browser"]
