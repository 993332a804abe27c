SELECT
  CONCAT(${source}, ':', CUST_NO) AS customer_id,
  TRAN_NO AS transaction_id,
  TO_TIMESTAMP_NTZ(TRAN_TM, 'yyyyMMdd HH:mm:ss') AS event_at,
  -- The order of bookings on one account and day: standing orders run in one and the same second.
  SEQ_NO AS sequence,
  DEL = '1' AS is_retracted,
  ACCT_NO AS account_id,
  CASE DC_FLG WHEN 'C' THEN 'in' WHEN 'D' THEN 'out' ELSE DC_FLG END AS direction,
  CASE CHNL_CD
    WHEN '01' THEN 'cash'
    WHEN '02' THEN 'transfer'
    WHEN '03' THEN 'card'
    WHEN '04' THEN 'mobile'
    ELSE CHNL_CD
  END AS channel,
  CASE ABS_CD
    WHEN '101' THEN 'salary'
    WHEN '108' THEN 'business'
    WHEN '115' THEN 'family_support'
    WHEN '122' THEN 'transfer'
    WHEN '129' THEN 'savings'
    WHEN '136' THEN 'cash'
    WHEN '143' THEN 'food'
    WHEN '150' THEN 'shopping'
    WHEN '157' THEN 'entertainment'
    WHEN '164' THEN 'transport'
    WHEN '171' THEN 'medical'
    WHEN '178' THEN 'household'
    WHEN '185' THEN 'utilities'
    WHEN '192' THEN 'insurance'
    WHEN '199' THEN 'pension'
    WHEN '206' THEN 'gambling'
    WHEN '213' THEN 'loan_disbursal'
    WHEN '220' THEN 'loan_payment'
    WHEN '227' THEN 'penalty_interest'
    WHEN '234' THEN 'interest'
    WHEN '241' THEN 'fee'
    WHEN '248' THEN 'other_loan_disbursal'
    WHEN '255' THEN 'other_loan_payment'
    ELSE ABS_CD
  END AS category,
  CAST(AMT AS DECIMAL(18, 2)) * 100 AS amount_minor,
  CAST(BAL AS DECIMAL(18, 2)) * 100 AS balance_minor,
  OPP_BANK AS counterparty_bank,
  OPP_ACCT AS counterparty_id,
  -- ISO 4217 has a number beside each code.
  CASE CCY WHEN '156' THEN 'CNY' ELSE CCY END AS currency
FROM tran
