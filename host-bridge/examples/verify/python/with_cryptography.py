"""Verifies AuthKeys and results with `cryptography`. The part above the dashes is for your server."""

import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


class Refused(Exception):
    pass


def require(condition, check):
    if not condition:
        raise Refused(check)


def require_signature(text, signature, key, salt_length, check):
    try:
        key.verify(signature, text, PSS(MGF1(SHA256()), salt_length), SHA256())
    except InvalidSignature:
        raise Refused(check) from None


def accept_auth_key(ask, text, signature):
    """At upload. `ask` is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey."""
    require_signature(text, signature, ask["key"], ask["saltLength"], "auth-key-signature")
    # Huawei's exports have line feeds inside a string, which strict JSON does not allow.
    export = json.loads(text, strict=False)
    key, salt_length = load_pem_public_key(export["pub_key"].encode()), export.get("rsa_pss_saltlen", 20)
    is_strong = isinstance(key, RSAPublicKey) and key.key_size == 2048 and key.public_numbers().e == 65537
    require(is_strong and salt_length in (20, 32), "auth-key-strength")
    require((export["cpu_id"], export["uid"]) == (ask["cpuId"], ask["uid"]), "auth-key-owner")
    require(type(export["counter"]) is int and export["counter"] > ask["counter"], "auth-key-counter")
    return {"key": key, "salt_length": salt_length, "cpu_id": export["cpu_id"], "uid": export["uid"]}


def check_result(auth_key, text, signature, challenge, highest_counter):
    """At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step."""
    # The bytes as they came, and the salt length of the key, not that of the message.
    require_signature(text, signature, auth_key["key"], auth_key["salt_length"], "result-signature")
    result = json.loads(text)
    require(result.get("rsa_pss_saltlen", 20) == auth_key["salt_length"], "result-salt")
    require((result["cpu_id"], result["uid"]) == (auth_key["cpu_id"], auth_key["uid"]), "result-owner")
    require(result["raw"] == challenge, "challenge")
    require(type(result["counter"]) is int and result["counter"] > highest_counter, "counter")
    return result["counter"]


# ----- The cases of `soter-sim vectors DIR`.

if __name__ == "__main__":
    import cases
    import cryptography

    cases.run(f"cryptography {cryptography.__version__}", load_pem_public_key, accept_auth_key, check_result, Refused)
