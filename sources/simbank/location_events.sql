-- Coordinates end here: the table has the cell, a hundredth of a degree of latitude and of longitude.
SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  fix_no AS location_event_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  'degree/0.01' AS cell_grid,
  CONCAT(
    CAST(FLOOR(CAST(lat AS DECIMAL(9, 6)) * 100) AS STRING),
    '_',
    CAST(FLOOR(CAST(lon AS DECIMAL(9, 6)) * 100) AS STRING)
  ) AS cell_id,
  acc_m AS accuracy_metres
FROM loc_fix
