SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  chk_no AS identity_check_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  CASE why WHEN 'JOIN' THEN 'joining' WHEN 'LOAN' THEN 'application' WHEN 'NEWDEV' THEN 'new_device' ELSE why END
    AS occasion,
  dev_no AS device_id,
  score AS face_match_score,
  retry AS retry_count,
  CASE ok WHEN '1' THEN TRUE WHEN '0' THEN FALSE END AS is_passed
FROM id_chk
