"""The small engine under every checking tool: rule, finding, fix, baseline, ignore, report.

A tool brings a project (any object its rules understand) and a literal tuple of rules; the engine does the rest:

    from findings import engine, report
    from findings.finding import Finding
    from findings.rule import Rule
    from findings.selection import Selection

    def check(project: Project) -> Iterator[Finding]:
        for path, line in project.bad_lines():
            yield Finding("DOC001", "error", path, line, 1, "title is missing; add 'title:' to the front matter")

    RULES = (Rule("DOC001", "missing-title", "error", check, __doc__),)

    outcome = engine.run(RULES, project, tool="aqms", read=project.read, selection=Selection(select=("DOC",)))
    print(report.render(outcome, "text"))            # text | json | sarif | github
    raise SystemExit(outcome.exit_code)              # 0 clean, 1 findings; wrong use (2) is the tool's

A rule module is the rule's page: its docstring has a first line (the summary) and the four sections of
`findings.rule.SECTIONS`. `findings.rule.page` renders it; listing, JSON, ignores and baseline need nothing more.

- Paths of findings are relative to the audited root, with forward slashes; lines and columns start at 1.
- Inline ignores are comments of the form `<tool>: ignore[CODE] reason` after a `#` or `<!--`, on the line of the
  finding or alone on the line above it; `ignore-file` in place of `ignore` is for the whole file (`findings.ignore`).
- Accepted findings: `baseline.load(path)`, given to `engine.run(..., baseline=...)`; keyed by rule, path and symbol,
  never by line (`findings.baseline`).
- Fixes: a `Finding` carries a `Fix` with edits; `fix.plan` turns findings into whole new texts, `fix.apply` writes
  them, checks every file and the whole audit again, and puts everything back when the result is worse (`findings.fix`).
- Text that others wrote: `findings.safe_yaml` reads YAML without aliases and endless nesting, `findings.mojibake` finds
  and undoes UTF-8 that was read in another encoding.
"""
