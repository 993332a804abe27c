-- The package knows no accounts: each household has one, with its own number.
SELECT
  CONCAT(${source}, ':', household_id) AS customer_id,
  household_id AS account_id,
  ${first_day} AS event_at,
  CAST(NULL AS STRING) AS region_id,
  CAST(NULL AS STRING) AS statement_frequency,
  ${currency} AS currency
FROM households
