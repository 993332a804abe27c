SELECT
  AREA_CD AS region_id,
  TO_DATE(STAT_DT, 'yyyy/MM/dd') AS event_at,
  -- The statistics of a year's end come out in spring.
  DATE_ADD(TO_DATE(STAT_DT, 'yyyy/MM/dd'), 90) AS known_on,
  PROVINCE AS region_group,
  POP AS inhabitants,
  CAST(NULL AS STRING) AS municipalities_under_500,
  CAST(NULL AS STRING) AS municipalities_500_to_1999,
  CAST(NULL AS STRING) AS municipalities_2000_to_9999,
  CAST(NULL AS STRING) AS municipalities_over_10000,
  CITY_NUM AS cities,
  URBAN_RATE AS urban_percent,
  CAST(AVG_WAGE AS DECIMAL(18, 2)) * 100 AS average_salary_minor,
  UNEMP_RATE_LAST AS unemployment_percent_before,
  UNEMP_RATE AS unemployment_percent,
  ENTERPR_PER_1000 AS entrepreneurs_per_1000,
  CASES_LAST AS crimes_before,
  CASES AS crimes
FROM area
