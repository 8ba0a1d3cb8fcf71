"""What API and pages share: who asks, what may come in, what goes with each answer."""
