SELECT
  CONCAT(${source}, ':', OWNER_NO) AS customer_id,
  HOLD_NO AS account_holder_id,
  TO_TIMESTAMP_NTZ(SINCE_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  ACCT_NO AS account_id,
  CONCAT(${source}, ':', HOLDER_NO) AS holder_id,
  CASE ROLE_CD WHEN '1' THEN 'owner' WHEN '2' THEN 'authorised' ELSE ROLE_CD END AS role
FROM acct_holder
