"""The rules, one module each: the docstring is the rule's page, `RULE` what the engine runs."""
