-- The file has a tie once; the table has it once per side.
SELECT
  CONCAT(${source}, ':', cust_a) AS customer_id,
  CONCAT(rel_no, '-a') AS relationship_id,
  TIMESTAMP_MILLIS(CAST(since_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  CONCAT(${source}, ':', cust_b) AS other_customer_id,
  CASE rel_type
    WHEN 'FRD' THEN 'friend'
    WHEN 'FAM' THEN 'family'
    WHEN 'COL' THEN 'colleague'
    WHEN 'GUA' THEN 'guarantor'
    WHEN 'DEV' THEN 'device'
    WHEN 'ADR' THEN 'address'
    ELSE rel_type
  END AS kind
FROM relation
UNION ALL
SELECT
  CONCAT(${source}, ':', cust_b),
  CONCAT(rel_no, '-b'),
  TIMESTAMP_MILLIS(CAST(since_ms AS BIGINT)),
  del = '1',
  CONCAT(${source}, ':', cust_a),
  CASE rel_type
    WHEN 'FRD' THEN 'friend'
    WHEN 'FAM' THEN 'family'
    WHEN 'COL' THEN 'colleague'
    WHEN 'GUA' THEN 'guarantor'
    WHEN 'DEV' THEN 'device'
    WHEN 'ADR' THEN 'address'
    ELSE rel_type
  END
FROM relation
