-- A finished in order, B finished unpaid, C running in order, D running in debt; empty: not observed yet.
SELECT
  a.customer_id,
  l.loan_id AS outcome_id,
  ${extract_date} AS event_at,
  l.loan_id AS application_id,
  l.loan_id,
  CASE WHEN l.status IN ('A', 'C') THEN 'good' WHEN l.status IN ('B', 'D') THEN 'bad' ELSE l.status END AS outcome,
  l.status AS status_code,
  ${extract_date} AS observed_on
FROM loan l
JOIN clean.accounts a ON a.account_id = l.account_id
WHERE l.status IS NOT NULL
