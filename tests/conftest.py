"""Settings of the whole suite."""

import os

from hypothesis import settings

# No deadline: a busy machine must not fail a test. hypothesis loads a profile of its own, with
# fixed examples, where the variable CI is set.
settings.register_profile("busy_machine", deadline=None)
if "CI" not in os.environ:
    settings.load_profile("busy_machine")
