import json


def _without_doubles(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


# Parse the very text that was verified, once, and pass the values on, not the text.
def read(result_json: str) -> dict:
    result = json.loads(result_json, object_pairs_hook=_without_doubles)
    if not isinstance(result, dict) or not all(isinstance(result.get(name), str) for name in ("raw", "cpu_id", "uid")):
        raise ValueError("not a result of a phone")
    counter = result.get("counter")
    if type(counter) is not int or not 0 <= counter < 2**63:
        raise ValueError("no counter")
    return result
