-- Only granted loans are in the data; each stands for its own application, made on the day it was granted.
SELECT
  a.customer_id,
  l.loan_id AS application_id,
  l.date AS event_at,
  l.account_id,
  CAST(l.amount AS DECIMAL(18, 2)) * 100 AS amount_minor,
  l.duration AS term_months,
  CAST(l.payments AS DECIMAL(18, 2)) * 100 AS instalment_minor,
  CAST(NULL AS STRING) AS purpose,
  ${currency} AS currency
FROM loan l
JOIN clean.accounts a ON a.account_id = l.account_id
