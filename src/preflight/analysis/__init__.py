"""Questions over a whole repository that several rules share: broken imports, unsound modules, where names live."""
