"""What each consumer's guide has a user write; each file is run in that consumer's environment."""
