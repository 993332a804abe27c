SELECT
  district_id AS region_id,
  ${history_from} AS event_at,
  A3 AS region_group,
  A4 AS inhabitants,
  A5 AS municipalities_under_500,
  A6 AS municipalities_500_to_1999,
  A7 AS municipalities_2000_to_9999,
  A8 AS municipalities_over_10000,
  A9 AS cities,
  A10 AS urban_percent,
  CAST(A11 AS DECIMAL(18, 2)) * 100 AS average_salary_minor,
  A12 AS unemployment_percent_before,
  A13 AS unemployment_percent,
  A14 AS entrepreneurs_per_1000,
  A15 AS crimes_before,
  A16 AS crimes
FROM district
