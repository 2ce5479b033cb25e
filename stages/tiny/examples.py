"""Questions of this world that its models can answer, for people who want to ask one."""

EXAMPLES = (
    "Compute 5+6+2",
    "Write f(x): add 4, then subtract 6",
    "Ben has 5 coins, gets 7. How many now?",
)
