-- Every message and call is an event of both sides. None has a number, so its content is its name: two messages of one
-- sender to one recipient in one second count as one, delivered twice.
SELECT
  CONCAT(${source}, ':', sender) AS customer_id,
  CONCAT('sms-', timestamp, '-', sender, '-', recipient, '-out') AS social_event_id,
  TIMESTAMP_SECONDS(UNIX_TIMESTAMP(TO_UTC_TIMESTAMP(TIMESTAMP ${study_start}, ${zone})) + CAST(timestamp AS BIGINT)) AS event_at,
  'message' AS kind,
  'out' AS direction,
  CONCAT(${source}, ':', recipient) AS counterpart_id,
  CAST(NULL AS STRING) AS duration_seconds,
  CAST(NULL AS STRING) AS is_missed
FROM sms
UNION ALL
SELECT
  CONCAT(${source}, ':', recipient),
  CONCAT('sms-', timestamp, '-', sender, '-', recipient, '-in'),
  TIMESTAMP_SECONDS(UNIX_TIMESTAMP(TO_UTC_TIMESTAMP(TIMESTAMP ${study_start}, ${zone})) + CAST(timestamp AS BIGINT)),
  'message',
  'in',
  CONCAT(${source}, ':', sender),
  CAST(NULL AS STRING),
  CAST(NULL AS STRING)
FROM sms
UNION ALL
-- A duration of -1 is a call that was not answered.
SELECT
  CONCAT(${source}, ':', caller),
  CONCAT('call-', timestamp, '-', caller, '-', callee, '-out'),
  TIMESTAMP_SECONDS(UNIX_TIMESTAMP(TO_UTC_TIMESTAMP(TIMESTAMP ${study_start}, ${zone})) + CAST(timestamp AS BIGINT)),
  'call',
  'out',
  CONCAT(${source}, ':', callee),
  NULLIF(duration, '-1'),
  duration = '-1'
FROM calls
UNION ALL
SELECT
  CONCAT(${source}, ':', callee),
  CONCAT('call-', timestamp, '-', caller, '-', callee, '-in'),
  TIMESTAMP_SECONDS(UNIX_TIMESTAMP(TO_UTC_TIMESTAMP(TIMESTAMP ${study_start}, ${zone})) + CAST(timestamp AS BIGINT)),
  'call',
  'in',
  CONCAT(${source}, ':', caller),
  NULLIF(duration, '-1'),
  duration = '-1'
FROM calls
