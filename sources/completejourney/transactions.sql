-- One row for each line of a receipt, because the lines of one receipt are of many kinds.
SELECT
  CONCAT(${source}, ':', i.household_id) AS customer_id,
  CONCAT(i.basket_id, '-', i.product_id) AS transaction_id,
  i.transaction_timestamp AS event_at,
  i.household_id AS account_id,
  'out' AS direction,
  CAST(NULL AS STRING) AS channel,
  CASE
    WHEN g.department IN ('GROCERY', 'PRODUCE', 'MEAT', 'MEAT-PCKGD', 'DELI', 'PASTRY', 'SEAFOOD', 'SEAFOOD-PCKGD',
                          'SALAD BAR', 'CHEF SHOPPE', 'FROZEN GROCERY', 'NUTRITION', 'SPIRITS') THEN 'food'
    WHEN g.department IN ('DRUG GM', 'COSMETICS', 'FLORAL', 'TOYS', 'PHOTO & VIDEO', 'GM MERCH EXP') THEN 'shopping'
    WHEN g.department IN ('GARDEN CENTER', 'ELECT &PLUMBING') THEN 'household'
    WHEN g.department IN ('FUEL', 'AUTOMOTIVE') THEN 'transport'
    WHEN g.department IN ('TRAVEL & LEISURE', 'RESTAURANT') THEN 'entertainment'
    WHEN g.department IS NOT NULL THEN 'other'
  END AS category,
  -- Dollars as a double: the nearest whole cent.
  ROUND(i.sales_value * 100) AS amount_minor,
  CAST(NULL AS STRING) AS balance_minor,
  CAST(NULL AS STRING) AS counterparty_bank,
  i.store_id AS counterparty_id,
  ${currency} AS currency
FROM items i
LEFT JOIN goods g ON g.product_id = i.product_id
