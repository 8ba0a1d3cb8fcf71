"""What reviewers do with recorded answers: judge them, draw samples of them, take them away."""
