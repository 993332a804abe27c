SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  REPAY_NO AS repayment_id,
  TO_TIMESTAMP_NTZ(PAY_TM, 'yyyy/MM/dd HH:mm:ss') AS event_at,
  SEQ AS sequence,
  DEL = '1' AS is_retracted,
  LOAN_NO AS loan_id,
  TERM_NO AS instalment_number,
  CAST(AMT AS DECIMAL(18, 2)) * 100 AS amount_minor,
  ${currency} AS currency
FROM repay
