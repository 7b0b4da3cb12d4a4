import json


# An honest counter is greater than the last one by any number: every SOTER operation of the phone counts.
def is_greater(result_json: str, highest: int) -> bool:
    counter = json.loads(result_json)["counter"]
    return type(counter) is int and counter > highest


# The export of the AuthKey says so if its salt has another length than 20.
def salt_length(auth_key_json: str) -> int:
    return int(json.loads(auth_key_json).get("rsa_pss_saltlen", 20))
