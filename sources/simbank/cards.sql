SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  CARD_NO AS card_id,
  TO_TIMESTAMP_NTZ(ISSUE_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  ACCT_NO AS account_id,
  CONCAT(${source}, ':', HOLDER_NO) AS holder_id,
  CASE CARD_TP WHEN 'STD' THEN 'standard' WHEN 'GLD' THEN 'gold' WHEN 'PLT' THEN 'platinum' ELSE CARD_TP END AS card_type
FROM card
