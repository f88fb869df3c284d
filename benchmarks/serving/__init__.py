"""Whether results load, and answer alike, wherever encoders are served."""
