"""The report of a run: `report.html`, `report.md`, `report.tex` and `plots/`.

files = write_report(Path("out"))      # reads run.json and scores.jsonl there
files.page
write_comparison(compare_runs(Path("a"), Path("b")), Path("out"))
"""

from groundsight.bench.report.write import PAGE, ReportFiles, write_comparison, write_report

__all__ = ["PAGE", "ReportFiles", "write_comparison", "write_report"]
