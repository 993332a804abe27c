SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  mem_no AS group_membership_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  grp_no AS group_id,
  CASE grp_type WHEN 'WRK' THEN 'work' WHEN 'FAM' THEN 'family' WHEN 'HOB' THEN 'hobby' ELSE grp_type END AS group_kind,
  CASE evt WHEN 'JOIN' THEN TRUE WHEN 'LEFT' THEN FALSE END AS is_member
FROM grp_member
