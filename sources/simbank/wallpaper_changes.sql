SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  chg_no AS wallpaper_change_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  CASE theme
    WHEN 'V1' THEN 'mountains'
    WHEN 'V2' THEN 'sea'
    WHEN 'V3' THEN 'cats'
    WHEN 'V4' THEN 'flowers'
    WHEN 'V5' THEN 'city'
    WHEN 'V6' THEN 'plain'
    WHEN 'V7' THEN 'stars'
    WHEN 'V8' THEN 'lanterns'
    ELSE theme
  END AS theme
FROM wall
