SELECT
  a.customer_id,
  t.trans_id AS transaction_id,
  t.date AS event_at,
  -- Within a day the balances add up best with credits first, then in the order of trans_id.
  CASE WHEN t.type = 'PRIJEM' THEN 0 ELSE 1000000000000 END + CAST(t.trans_id AS BIGINT) AS sequence,
  t.account_id,
  -- VYDAJ is any debit; VYBER, a withdrawal in cash, stands in its place in some rows.
  CASE t.type WHEN 'PRIJEM' THEN 'in' WHEN 'VYDAJ' THEN 'out' WHEN 'VYBER' THEN 'out' ELSE t.type END AS direction,
  -- No operation: the bank's own bookings, such as interest.
  CASE t.operation
    WHEN 'VKLAD' THEN 'cash'
    WHEN 'VYBER' THEN 'cash'
    WHEN 'PREVOD Z UCTU' THEN 'transfer'
    WHEN 'PREVOD NA UCET' THEN 'transfer'
    WHEN 'VYBER KARTOU' THEN 'card'
    ELSE COALESCE(t.operation, 'other')
  END AS channel,
  CASE TRIM(COALESCE(t.k_symbol, ''))
    WHEN 'SIPO' THEN 'household'
    WHEN 'POJISTNE' THEN 'insurance'
    WHEN 'UROK' THEN 'interest'
    WHEN 'SANKC. UROK' THEN 'penalty_interest'
    WHEN 'SLUZBY' THEN 'fee'
    WHEN 'UVER' THEN 'loan_payment'
    WHEN 'DUCHOD' THEN 'pension'
    WHEN '' THEN 'other'
    ELSE LOWER(TRIM(t.k_symbol))
  END AS category,
  CAST(t.amount AS DECIMAL(18, 2)) * 100 AS amount_minor,
  CAST(t.balance AS DECIMAL(18, 2)) * 100 AS balance_minor,
  t.bank AS counterparty_bank,
  -- 66487163.0: the number passed through a spreadsheet; 0 is no account.
  NULLIF(REGEXP_REPLACE(t.account, '[.]0$', ''), '0') AS counterparty_id,
  ${currency} AS currency
FROM trans t
JOIN clean.accounts a ON a.account_id = t.account_id
