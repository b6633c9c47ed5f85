"""The books. `entries` names the business events, `posting` alone writes, `balances` reads."""
