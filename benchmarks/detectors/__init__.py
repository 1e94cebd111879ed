"""How far the standard detectors agree with people's labels and with real refusals."""
