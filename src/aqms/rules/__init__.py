"""One module a rule; `RULES` in `aqms.rules.table` lists them."""
