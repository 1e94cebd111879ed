"""Commands on a policy: start one, lay it out, show it and write it for others."""
