"""Figures as ratios against something public that is measured in the same run. Nothing here passes or fails."""
