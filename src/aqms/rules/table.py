"""The rules, in the order of their codes; codes are public."""

from aqms.project import Project
from aqms.rules import e000, e001, e004, e005, e006, e007, e008, e009, e010, e011, e012, e013, e014
from findings.rule import Rule

RULES: tuple[Rule[Project], ...] = (
    Rule("E000", "unreadable", "error", e000.check, e000.__doc__ or ""),
    Rule("E001", "file-name-time-stamp", "error", e001.check_stamp, e001.__doc__ or ""),
    Rule("E002", "file-name-prefix", "error", e001.check_prefix, e001.__doc__ or ""),
    Rule("E003", "file-name-form", "error", e001.check_form, e001.__doc__ or ""),
    Rule("E004", "folder", "error", e004.check, e004.__doc__ or ""),
    Rule("E005", "type", "error", e005.check, e005.__doc__ or ""),
    Rule("E006", "missing-field", "error", e006.check, e006.__doc__ or ""),
    Rule("E007", "date", "error", e007.check, e007.__doc__ or ""),
    Rule("E008", "status", "error", e008.check, e008.__doc__ or ""),
    Rule("E009", "category", "error", e009.check, e009.__doc__ or ""),
    Rule("E010", "missing-section", "error", e010.check, e010.__doc__ or ""),
    Rule("E011", "broken-link", "error", e011.check, e011.__doc__ or ""),
    Rule("E012", "duplicate-id", "error", e012.check, e012.__doc__ or ""),
    Rule("E013", "garbled-text", "error", e013.check, e013.__doc__ or ""),
    Rule("E014", "front-matter-schema", "error", e014.check, e014.__doc__ or ""),
)
