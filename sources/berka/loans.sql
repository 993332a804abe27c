SELECT
  a.customer_id,
  l.loan_id,
  l.date AS event_at,
  l.loan_id AS application_id,
  l.account_id,
  CAST(l.amount AS DECIMAL(18, 2)) * 100 AS amount_minor,
  l.duration AS term_months,
  CAST(l.payments AS DECIMAL(18, 2)) * 100 AS instalment_minor,
  ADD_MONTHS(CAST(l.date AS DATE), 1) AS first_due_date,
  ${currency} AS currency
FROM loan l
JOIN clean.accounts a ON a.account_id = l.account_id
