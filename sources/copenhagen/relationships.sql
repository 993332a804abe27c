-- The file has a friendship once, and undated; the table has it once per side.
SELECT
  CONCAT(${source}, ':', user_a) AS customer_id,
  CONCAT('friend-', user_a, '-', user_b) AS relationship_id,
  ${study_start} AS event_at,
  CONCAT(${source}, ':', user_b) AS other_customer_id,
  'friend' AS kind
FROM friends
UNION ALL
SELECT
  CONCAT(${source}, ':', user_b),
  CONCAT('friend-', user_b, '-', user_a),
  ${study_start},
  CONCAT(${source}, ':', user_a),
  'friend'
FROM friends
