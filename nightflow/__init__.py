"""The night: ten-minute means, night minima and the criteria learnt from history."""
