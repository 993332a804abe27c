"""Social activity day by day: features of messages, calls and ties for every customer, without a model.

For a supplier of events alone: who talks, with how many, and who has gone quiet. Early warning reads it.
"""

from __future__ import annotations

from tallystick.spec.recipes import Recipe

SOCIAL_ACTIVITY = Recipe(
    name="social_activity",
    title="Social activity",
    description="Contact of every customer at the start of every business day",
    groups=("social", "relationships"),
    observations="contacts",
)
