-- Undated: a holder is assumed to have been one since the account was opened.
SELECT
  a.customer_id,
  d.disp_id AS account_holder_id,
  a.event_at,
  d.account_id,
  CONCAT(${source}, ':', d.client_id) AS holder_id,
  CASE d.type WHEN 'OWNER' THEN 'owner' WHEN 'DISPONENT' THEN 'authorised' ELSE d.type END AS role
FROM disp d
JOIN clean.accounts a ON a.account_id = d.account_id
