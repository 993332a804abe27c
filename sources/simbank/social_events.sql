-- Every message and call is an event of both sides as far as they bank here: C is a customer, P a person elsewhere,
-- G a group chat, and a post has no other side.
SELECT
  CONCAT(${source}, ':', from_id) AS customer_id,
  CONCAT(evt_no, '-out') AS social_event_id,
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)) AS event_at,
  del = '1' AS is_retracted,
  CASE evt_type
    WHEN 'MSG' THEN 'message'
    WHEN 'CALL' THEN 'call'
    WHEN 'POST' THEN 'post'
    WHEN 'GRP' THEN 'group'
    ELSE evt_type
  END AS kind,
  'out' AS direction,
  CONCAT(${source}, ':', to_id) AS counterpart_id,
  -- -1 is a call that was not answered.
  NULLIF(dur_s, '-1') AS duration_seconds,
  CASE WHEN evt_type = 'CALL' THEN dur_s = '-1' END AS is_missed
FROM im_event
WHERE from_id LIKE 'C%'
UNION ALL
SELECT
  CONCAT(${source}, ':', to_id),
  CONCAT(evt_no, '-in'),
  TIMESTAMP_MILLIS(CAST(ts_ms AS BIGINT)),
  del = '1',
  CASE evt_type WHEN 'MSG' THEN 'message' WHEN 'CALL' THEN 'call' ELSE evt_type END,
  'in',
  CONCAT(${source}, ':', from_id),
  NULLIF(dur_s, '-1'),
  CASE WHEN evt_type = 'CALL' THEN dur_s = '-1' END
FROM im_event
WHERE to_id LIKE 'C%'
