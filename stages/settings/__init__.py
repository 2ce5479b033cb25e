"""What configs of several kinds share, with what can be set wrong in each. No torch here."""
