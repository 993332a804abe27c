SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  INQ_NO AS credit_inquiry_id,
  TO_TIMESTAMP_NTZ(INQ_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  LENDER_NO AS lender_id,
  CASE INQ_TP WHEN 'LOAN' THEN 'loan' WHEN 'CARD' THEN 'card' WHEN 'OTH' THEN 'other' ELSE INQ_TP END AS kind
FROM bur_inq
