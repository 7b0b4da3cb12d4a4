import json

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key


# After the signatures were verified: the device's over the ASK, the ASK's over the AuthKey. `text` is the AuthKey's export.
def enroll(keys, openid, text):
    export = json.loads(text)
    key = load_pem_public_key(export["pub_key"].encode())
    if not isinstance(key, RSAPublicKey) or key.key_size != 2048 or key.public_numbers().e != 65537:
        return False
    # False if this key was ever enrolled, for anybody, or if the counter is not higher than the phone's highest.
    return keys.insert_if_new(openid, export["cpu_id"], export["counter"], export["pub_key"])
