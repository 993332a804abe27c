SELECT
  grp_no AS group_id,
  TIMESTAMP_MILLIS(CAST(made_ms AS BIGINT)) AS event_at,
  CASE grp_type WHEN 'WRK' THEN 'work' WHEN 'FAM' THEN 'family' WHEN 'HOB' THEN 'hobby' ELSE grp_type END AS kind,
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
    ELSE topic
  END AS topic
FROM grp
