"""Does reasoning from rules lower over-refusal and raise safe refusal, from little data, and does it generalise?"""
