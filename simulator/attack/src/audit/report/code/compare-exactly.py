# `result` is the verified text, parsed once; `order` is the one of this session, with the challenge that was stored when it
# was made.
def is_for_order(result: dict, order) -> bool:
    raw = result.get("raw")
    return isinstance(raw, str) and raw == order.challenge
