"""Who a customer is and where they live: facts that change slowly, looked up as they were known."""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Lookup, Measure

REGION_COLUMNS = (
    "inhabitants",
    "cities",
    "urban_percent",
    "average_salary_minor",
    "unemployment_percent_before",
    "unemployment_percent",
    "entrepreneurs_per_1000",
    "crimes_before",
    "crimes",
    "municipalities_under_500",
    "municipalities_500_to_1999",
    "municipalities_2000_to_9999",
    "municipalities_over_10000",
)

CUSTOMERS = FeatureGroup(
    name="customers",
    table="clean.customers",
    owner="credit-risk",
    description="Demographics of the customer and of the region they live in",
    windows=("all",),
    pii="personal",
    lookups=(Lookup(table="clean.regions", on="region_id", columns=REGION_COLUMNS),),
    measures=(
        Measure(name="birth", value="birth_date", ops="age_days", sign=0, description="Age in days", reason="Age"),
        *(
            Measure(
                name=f"region_{column}",
                value=column,
                ops="last",
                pii="none",
                description=f"{column.replace('_', ' ')} of the customer's region",
                reason="Economic situation of your region",
            )
            for column in REGION_COLUMNS
        ),
    ),
)
