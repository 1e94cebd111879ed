"""Commands on evaluation: items, answers, judging and reports."""
