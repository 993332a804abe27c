SELECT
  CONCAT(${source}, ':', p.user) AS customer_id,
  p.user AS customer_fact_id,
  ${study_start} AS event_at,
  CAST(NULL AS STRING) AS birth_date,
  CASE g.female WHEN '1' THEN 'female' WHEN '0' THEN 'male' ELSE g.female END AS gender,
  CAST(NULL AS STRING) AS region_id,
  CAST(NULL AS STRING) AS occupation,
  CAST(NULL AS STRING) AS education,
  CAST(NULL AS STRING) AS declared_income_minor
FROM people p
LEFT JOIN genders g ON g.user = p.user
