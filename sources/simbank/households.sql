-- One row each time the bank was told of a household that a customer lives in, or that this has ended.
SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  MEM_NO AS household_membership_id,
  TO_TIMESTAMP_NTZ(TOLD_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  HH_NO AS household_id,
  CASE ROLE_CD
    WHEN '1' THEN 'alone'
    WHEN '2' THEN 'partner'
    WHEN '3' THEN 'parent'
    WHEN '4' THEN 'child'
    WHEN '5' THEN 'flatmate'
    ELSE ROLE_CD
  END AS role,
  TO_DATE(FROM_DT, 'yyyyMMdd') AS started_on,
  TO_DATE(UNTIL_DT, 'yyyyMMdd') AS ended_on,
  HH_NUM AS people_number
FROM hh_fact
