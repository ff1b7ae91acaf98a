"""Night flow: ten-minute means, night reports, and starting the learning of criteria."""
