SELECT
  CONCAT(${source}, ':', cust) AS customer_id,
  act_no AS behaviour_event_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  CASE act_type WHEN 'READ' THEN 'content' WHEN 'HOBBY' THEN 'hobby' WHEN 'CLICK' THEN 'click' ELSE act_type END AS kind,
  CASE topic
    WHEN 'T01' THEN 'badminton'
    WHEN 'T02' THEN 'basketball'
    WHEN 'T03' THEN 'cars'
    WHEN 'T04' THEN 'cooking'
    WHEN 'T05' THEN 'cycling'
    WHEN 'T06' THEN 'fishing'
    WHEN 'T07' THEN 'gaming'
    WHEN 'T08' THEN 'gardening'
    WHEN 'T09' THEN 'hiking'
    WHEN 'T10' THEN 'music'
    WHEN 'T11' THEN 'parenting'
    WHEN 'T12' THEN 'pets'
    WHEN 'T13' THEN 'photography'
    WHEN 'T14' THEN 'reading'
    WHEN 'T15' THEN 'running'
    WHEN 'T16' THEN 'stocks'
    WHEN 'T17' THEN 'news'
    WHEN 'T18' THEN 'finance'
    WHEN 'T19' THEN 'health'
    WHEN 'T20' THEN 'jobs'
    WHEN 'T21' THEN 'education'
    WHEN 'T22' THEN 'shopping'
    WHEN 'T23' THEN 'insurance'
    WHEN 'T24' THEN 'travel'
    WHEN 'T25' THEN 'loans'
    WHEN 'T26' THEN 'betting'
    ELSE topic
  END AS topic
FROM act
