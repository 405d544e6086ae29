"""Fields of receipts from what was read: merchant, date, address, totals, tax, line items."""
