"""Fitting the signal expert: views of the fit pictures → features, trees, network → one file.

python scripts/fit_signal_expert.py ../shared/images/manifest.csv
"""
