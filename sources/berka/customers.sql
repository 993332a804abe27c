SELECT
  CONCAT(${source}, ':', c.client_id) AS customer_id,
  c.client_id AS customer_fact_id,
  s.since AS event_at,
  c.birth_date,
  CASE c.gender WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' ELSE c.gender END AS gender,
  c.district_id AS region_id,
  CAST(NULL AS STRING) AS occupation,
  CAST(NULL AS STRING) AS education,
  CAST(NULL AS STRING) AS declared_income_minor
FROM client c
JOIN client_since s ON s.client_id = c.client_id
