SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  ORD_NO AS order_id,
  TO_TIMESTAMP_NTZ(SET_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  ACCT_NO AS account_id,
  CASE ABS_CD
    WHEN '178' THEN 'household'
    WHEN '185' THEN 'utilities'
    WHEN '192' THEN 'insurance'
    ELSE ABS_CD
  END AS category,
  CAST(AMT AS DECIMAL(18, 2)) * 100 AS amount_minor,
  OPP_BANK AS counterparty_bank,
  OPP_ACCT AS counterparty_id,
  CASE CCY WHEN '156' THEN 'CNY' ELSE CCY END AS currency
FROM stand_ord
