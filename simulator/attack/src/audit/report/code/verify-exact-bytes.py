import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


# `auth_key` is the one that this user's phone has uploaded, with 20, or on some phones 32, as salt length.
# A mini program's server asks WeChat instead (/cgi-bin/soter/verify_signature), with these two texts unchanged.
def is_signed(result_json: str, signature: str, auth_key) -> bool:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=auth_key.salt_length)
    try:
        decoded = base64.b64decode(signature, validate=True)
        auth_key.public_key.verify(decoded, result_json.encode("utf-8"), pss, hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
