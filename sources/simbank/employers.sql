SELECT
  EMP_NO AS employer_id,
  TO_TIMESTAMP_NTZ(REG_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  CASE IND_CD
    WHEN 'MFG' THEN 'manufacturing'
    WHEN 'LOG' THEN 'logistics'
    WHEN 'SVC' THEN 'services'
    WHEN 'GOV' THEN 'public'
    ELSE IND_CD
  END AS industry,
  AREA_CD AS region_id,
  STAFF_NUM AS employees_number
FROM emp
