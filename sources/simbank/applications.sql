SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  APPLY_NO AS application_id,
  TO_TIMESTAMP_NTZ(APPLY_TM, 'yyyy/MM/dd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  ACCT_NO AS account_id,
  CAST(AMT AS DECIMAL(18, 2)) * 100 AS amount_minor,
  TERM AS term_months,
  CAST(INSTAL AS DECIMAL(18, 2)) * 100 AS instalment_minor,
  CASE PURPOSE
    WHEN '消费' THEN 'consumption'
    WHEN '教育' THEN 'education'
    WHEN '医疗' THEN 'medical'
    WHEN '装修' THEN 'renovation'
    WHEN '旅游' THEN 'travel'
    WHEN '经营' THEN 'business'
    WHEN '还债' THEN 'debt'
    ELSE PURPOSE
  END AS purpose,
  ${currency} AS currency
FROM loan_apply
