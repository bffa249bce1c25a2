"""What people look at: a run's figures as one page, and two runs side by side."""
