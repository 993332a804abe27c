-- One row each time the bank was told something about a person.
SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  FACT_NO AS customer_fact_id,
  TO_TIMESTAMP_NTZ(VALID_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  TO_DATE(BIRTH_DT, 'yyyyMMdd') AS birth_date,
  CASE SEX_CD WHEN '1' THEN 'male' WHEN '2' THEN 'female' WHEN '9' THEN 'other' ELSE SEX_CD END AS gender,
  AREA_CD AS region_id,
  CASE OCC_CD
    WHEN '10' THEN 'student'
    WHEN '20' THEN 'factory'
    WHEN '30' THEN 'courier'
    WHEN '40' THEN 'office'
    WHEN '50' THEN 'self_employed'
    WHEN '60' THEN 'public'
    WHEN '70' THEN 'retired'
    WHEN '80' THEN 'unemployed'
    ELSE OCC_CD
  END AS occupation,
  CASE EDU_CD WHEN 'A' THEN 'master' WHEN 'B' THEN 'bachelor' WHEN 'C' THEN 'college' WHEN 'D' THEN 'school' END
    AS education,
  CAST(INC_YUAN AS DECIMAL(18, 2)) * 100 AS declared_income_minor
FROM cust_fact
