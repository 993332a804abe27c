"""The benchmark of the feature engine: its data, its contenders and the one command that runs them side by side."""
