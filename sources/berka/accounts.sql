SELECT
  CONCAT(${source}, ':', o.client_id) AS customer_id,
  a.account_id,
  a.date AS event_at,
  a.district_id AS region_id,
  CASE a.frequency
    WHEN 'POPLATEK MESICNE' THEN 'monthly'
    WHEN 'POPLATEK TYDNE' THEN 'weekly'
    WHEN 'POPLATEK PO OBRATU' THEN 'per_transaction'
    ELSE a.frequency
  END AS statement_frequency,
  ${currency} AS currency
FROM account a
JOIN owners o ON o.account_id = a.account_id
