"""What `bertslim check` found, for people, for CI servers and for GitHub."""
