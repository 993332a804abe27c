SELECT
  a.customer_id,
  c.card_id,
  c.issued AS event_at,
  d.account_id,
  CONCAT(${source}, ':', d.client_id) AS holder_id,
  c.type AS card_type
FROM card c
JOIN disp d ON d.disp_id = c.disp_id
JOIN clean.accounts a ON a.account_id = d.account_id
