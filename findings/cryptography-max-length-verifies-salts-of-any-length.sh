#!/usr/bin/env bash
# Package:   cryptography 50.0.2 (PyPI)
# Behaviour: `PSS.MAX_LENGTH` has two meanings. A signature that is made with it has the longest salt that fits, 222 bytes for RSA-2048
#            and SHA-256. A verification with it does not demand that length: it accepts every length, as `PSS.AUTO` does. A number or
#            `PSS.DIGEST_LENGTH` demands exactly that length.
# Seen:      2026-11-30, Linux x86-64, Python 3.11
# Output:    signed with MAX_LENGTH: 222 bytes of salt
#            MAX_LENGTH accepts 0, 20, 32, 222
#            AUTO accepts 0, 20, 32, 222
#            DIGEST_LENGTH accepts 32
#            222 accepts 222
# soter-sim: its recipes for Python name the number; `simulator/docs/verify-in-your-language.md` has the table.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cryptography==50.0.2
cat >"$folder/finding.py" <<'PYTHON'
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

TEXT = b"a text"
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(length):
    return key.sign(TEXT, PSS(MGF1(SHA256()), length), SHA256())


def accepts(signature, length):
    try:
        key.public_key().verify(signature, TEXT, PSS(MGF1(SHA256()), length), SHA256())
        return True
    except InvalidSignature:
        return False


made = sign(PSS.MAX_LENGTH)
print("signed with MAX_LENGTH:", *[n for n in range(223) if accepts(made, n)], "bytes of salt")
for name, length in {
    "MAX_LENGTH": PSS.MAX_LENGTH,
    "AUTO": PSS.AUTO,
    "DIGEST_LENGTH": PSS.DIGEST_LENGTH,
    "222": 222,
}.items():
    accepted = [str(salt) for salt in (0, 20, 32, 222) if accepts(sign(salt), length)]
    print(name, "accepts", ", ".join(accepted))
PYTHON
output=$("$folder/venv/bin/python" "$folder/finding.py")
printf '%s\n' "$output"
expected='signed with MAX_LENGTH: 222 bytes of salt
MAX_LENGTH accepts 0, 20, 32, 222
AUTO accepts 0, 20, 32, 222
DIGEST_LENGTH accepts 32
222 accepts 222'
[ "$output" = "$expected" ]
