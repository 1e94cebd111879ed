"""What a policy says of all cases: findings, proofs, differences, boundary cases. The solver lives here only.

Importing this package loads no solver: its modules do.
"""
