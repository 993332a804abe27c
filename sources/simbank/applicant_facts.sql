-- One row per form that an applicant filled in. Telephones, addresses and contacts are numbers already.
SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  FORM_NO AS applicant_fact_id,
  TO_TIMESTAMP_NTZ(TOLD_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  DEL = '1' AS is_retracted,
  APPLY_NO AS application_id,
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
  CAST(INC_YUAN AS DECIMAL(18, 2)) * 100 AS declared_income_minor,
  CAST(OTH_INSTAL AS DECIMAL(18, 2)) * 100 AS other_instalments_minor,
  CONCAT(${source}, ':', CONTACT_NO) AS contact_id,
  CASE CONTACT_TP
    WHEN 'FAM' THEN 'family'
    WHEN 'COL' THEN 'colleague'
    WHEN 'FRD' THEN 'friend'
    WHEN 'OTH' THEN 'other'
    ELSE CONTACT_TP
  END AS contact_kind,
  AREA_CD AS region_id,
  ADDR_NO AS address_id,
  TEL_NO AS phone_id,
  MAIL_NO AS email_id,
  CASE LIVE_TP
    WHEN 'OWN' THEN 'owner'
    WHEN 'RENT' THEN 'rent'
    WHEN 'FAM' THEN 'family'
    WHEN 'DORM' THEN 'dormitory'
    ELSE LIVE_TP
  END AS housing,
  FILL_SEC AS form_seconds
FROM apply_form
