"""How a site is: what its data folder says, and the verdict on it. It needs no database; who has one adds to it."""
