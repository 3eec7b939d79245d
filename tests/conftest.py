"""What the whole suite shares; the fixtures themselves live in `tests/support`."""

pytest_plugins = ["tests.support.plugin", "tests.support.app"]
