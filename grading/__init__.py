"""Hand the notebooks out as exercises and grade what comes back; README.md is the manual.

Run from the repository's root: `python -m grading.release`, `python -m grading.run FOLDER`.
"""
