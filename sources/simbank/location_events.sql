-- Coordinates end here: the table has the hexagon and its centre.
SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  fix_no AS location_event_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  'h3/8' AS cell_grid,
  H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), 8) AS cell_id,
  H3_LATITUDE(H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), 8)) AS cell_latitude,
  H3_LONGITUDE(H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), 8)) AS cell_longitude,
  acc_m AS accuracy_metres
FROM loc_fix
