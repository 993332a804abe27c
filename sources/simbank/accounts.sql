SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  ACCT_NO AS account_id,
  TO_TIMESTAMP_NTZ(OPEN_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  AREA_CD AS region_id,
  CASE STMT_CYC WHEN 'M' THEN 'monthly' WHEN 'W' THEN 'weekly' ELSE STMT_CYC END AS statement_frequency,
  CCY AS currency
FROM acct
