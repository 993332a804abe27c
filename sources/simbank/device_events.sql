SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  evt_no AS device_event_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  CASE evt
    WHEN 'LOGIN' THEN 'login'
    WHEN 'FAIL' THEN 'failed_login'
    WHEN 'NEWDEV' THEN 'new_device'
    WHEN 'SIM' THEN 'sim_change'
    ELSE evt
  END AS kind,
  dev_no AS device_id,
  CASE root WHEN '1' THEN TRUE WHEN '0' THEN FALSE END AS is_tampered
FROM dev_evt
