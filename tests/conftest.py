"""What all tests share: properties that try the same examples on every machine, however busy it is."""

# pytester forgets what a run of its own was the first to import, and httpx knows httpcore's errors by their classes.
import httpcore  # noqa: F401
from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
