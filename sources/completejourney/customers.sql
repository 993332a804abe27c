-- A household is a customer. Its age is told in bands, which are no date of birth.
SELECT
  CONCAT(${source}, ':', h.household_id) AS customer_id,
  h.household_id AS customer_fact_id,
  ${first_day} AS event_at,
  CAST(NULL AS STRING) AS birth_date,
  CAST(NULL AS STRING) AS gender,
  CAST(NULL AS STRING) AS region_id,
  CAST(NULL AS STRING) AS occupation,
  CAST(NULL AS STRING) AS education,
  -- Bands of a year's income in thousands: a twelfth of the middle, in cents; of the last one, of its lower end.
  CASE d.income
    WHEN 'Under 15K' THEN 62500
    WHEN '15-24K' THEN 162500
    WHEN '25-34K' THEN 245833
    WHEN '35-49K' THEN 350000
    WHEN '50-74K' THEN 516667
    WHEN '75-99K' THEN 725000
    WHEN '100-124K' THEN 933333
    WHEN '125-149K' THEN 1141667
    WHEN '150-174K' THEN 1350000
    WHEN '175-199K' THEN 1558333
    WHEN '200-249K' THEN 1870833
    WHEN '250K+' THEN 2083333
  END AS declared_income_minor
FROM households h
LEFT JOIN demographics d ON d.household_id = h.household_id
