import json


# `order` is the one of this session, with the challenge that was stored when it was made.
def is_for_order(result_json: str, order) -> bool:
    raw = json.loads(result_json).get("raw")
    return isinstance(raw, str) and raw == order.challenge
