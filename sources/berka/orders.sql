-- Undated: a standing order is assumed to have been given when the account was opened.
-- UVER is the repayment of the loan itself: to use it would be to know that the loan was granted.
SELECT
  a.customer_id,
  o.order_id,
  a.event_at,
  o.account_id,
  CASE TRIM(COALESCE(o.k_symbol, ''))
    WHEN 'SIPO' THEN 'household'
    WHEN 'POJISTNE' THEN 'insurance'
    WHEN 'LEASING' THEN 'leasing'
    WHEN '' THEN 'other'
    ELSE LOWER(TRIM(o.k_symbol))
  END AS category,
  CAST(o.amount AS DECIMAL(18, 2)) * 100 AS amount_minor,
  o.bank_to AS counterparty_bank,
  o.account_to AS counterparty_id,
  ${currency} AS currency
FROM standing_order o
JOIN clean.accounts a ON a.account_id = o.account_id
WHERE o.k_symbol IS NULL OR TRIM(o.k_symbol) <> 'UVER'
