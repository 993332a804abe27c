SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  LOAN_NO AS loan_id,
  TO_TIMESTAMP_NTZ(GRANT_TM, 'yyyy/MM/dd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  APPLY_NO AS application_id,
  ACCT_NO AS account_id,
  CAST(AMT AS DECIMAL(18, 2)) * 100 AS amount_minor,
  TERM AS term_months,
  CAST(INSTAL AS DECIMAL(18, 2)) * 100 AS instalment_minor,
  TO_DATE(FIRST_DUE, 'yyyy/MM/dd') AS first_due_date,
  ${currency} AS currency
FROM loan
