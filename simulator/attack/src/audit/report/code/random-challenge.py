import secrets


# Another one for each order, stored with it. No time, no number of the order, not the module random.
def new_challenge() -> str:
    return secrets.token_hex(16)
