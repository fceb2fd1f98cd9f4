"""Driftwood: physical models of struck, plucked, bowed, blown, scraped and raining things, and the score they play."""
