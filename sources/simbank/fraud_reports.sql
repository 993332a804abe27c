SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  REP_NO AS fraud_report_id,
  TO_TIMESTAMP_NTZ(REP_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  CASE KIND_CD
    WHEN 'FARM' THEN 'device_farm'
    WHEN 'SYNT' THEN 'synthetic_identity'
    WHEN 'RING' THEN 'ring'
    WHEN 'TAKE' THEN 'take_over'
    WHEN 'MULE' THEN 'mule'
    WHEN 'STRU' THEN 'structuring'
    WHEN 'BUST' THEN 'bust_out'
    ELSE KIND_CD
  END AS kind,
  CASE ROLE_CD WHEN 'V' THEN 'victim' WHEN 'P' THEN 'perpetrator' ELSE ROLE_CD END AS role,
  TO_DATE(BEGAN_DT, 'yyyyMMdd') AS began_on,
  CAST(LOSS AS DECIMAL(18, 2)) * 100 AS loss_minor,
  ${currency} AS currency
FROM fraud_rep
