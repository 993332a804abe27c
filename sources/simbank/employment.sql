-- One row each time the bank was told something about somebody's work.
SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  FACT_NO AS employment_fact_id,
  TO_TIMESTAMP_NTZ(TOLD_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  EMP_NO AS employer_id,
  CASE OCC_CD
    WHEN '10' THEN 'student'
    WHEN '20' THEN 'factory'
    WHEN '30' THEN 'courier'
    WHEN '40' THEN 'office'
    WHEN '50' THEN 'self_employed'
    WHEN '60' THEN 'public'
    WHEN '70' THEN 'retired'
    ELSE OCC_CD
  END AS occupation,
  TO_DATE(SINCE_DT, 'yyyyMMdd') AS started_on,
  TO_DATE(UNTIL_DT, 'yyyyMMdd') AS ended_on
FROM emp_fact
