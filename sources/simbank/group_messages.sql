SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  msg_no AS group_message_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  grp_no AS group_id,
  CASE grp_type WHEN 'WRK' THEN 'work' WHEN 'FAM' THEN 'family' WHEN 'HOB' THEN 'hobby' ELSE grp_type END AS group_kind
FROM grp_msg
