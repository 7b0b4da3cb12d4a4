#!/bin/sh
# Makes every vector beside this file again, with OpenSSL 3 and the shell alone, so that nothing of the crate under test
# takes part. README.md says what the files are. The private keys live in a temporary folder and are thrown away.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
keys=$(mktemp -d)
trap 'rm -r "$keys"' EXIT

trustonic_cpu_id=e0000000000000000000000000000000000e0001
itrustee_cpu_id=HUAWEI_EMULATED_00000000-0000-4000-8000-00000000e001-0000e001
ios_cpu_id=00000000-0000-4000-8000-00000000E001
ios_uid=0000000000000000000000000000e001

# --- Keys -----------------------------------------------------------------------------------------
# key NAME [BITS]
key() {
    openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2:-2048}" \
        -pkeyopt rsa_keygen_pubexp:65537 -out "$keys/$1.key"
    openssl pkey -in "$keys/$1.key" -pubout -out "$keys/$1.pem"
}

# The Base64 body of a public key on one line.
body() {
    sed '/-----/d' "$keys/$1.pem" | tr -d '\n'
}

# The text of stdin as the inside of a JSON string: lines joined by \n, slashes escaped. With an argument, a last \n too.
escaped() {
    sed 's#/#\\/#g' | awk -v last="${1:-}" 'NR > 1 { printf "\\n" } { printf "%s", $0 } END { printf "%s", last }'
}

# --- Cases ----------------------------------------------------------------------------------------
# Each case is a folder; `describe` writes what must come of it.
# begin NAME
begin() {
    case_folder="$here/$1"
    rm -rf "$case_folder"
    mkdir "$case_folder"
}

# describe KIND PROFILE SALT_LENGTH OUTCOME FOUND_SALT_LENGTH WHY
describe() {
    printf '{\n  "kind": "%s",\n  "profile": "%s",\n  "salt_length": %s,\n  "outcome": "%s",\n  "found_salt_length": %s,\n  "why": "%s"\n}\n' \
        "$1" "$2" "$3" "$4" "$5" "$6" > "$case_folder/case.json"
}

# sign_pss KEY SALT_LENGTH
sign_pss() {
    openssl dgst -sha256 -sign "$keys/$1.key" -sigopt rsa_padding_mode:pss \
        -sigopt "rsa_pss_saltlen:$2" -sigopt rsa_mgf1_md:sha256 \
        -out "$case_folder/signature.bin" "$case_folder/signed.txt"
    cp "$keys/$1.pem" "$case_folder/key.pem"
}

# sign_pkcs1 KEY
sign_pkcs1() {
    openssl dgst -sha256 -sign "$keys/$1.key" -out "$case_folder/signature.bin" "$case_folder/signed.txt"
    cp "$keys/$1.pem" "$case_folder/key.pem"
}

# text CONTENT: the signed bytes, without an LF at the end.
text() {
    printf '%s' "$1" > "$case_folder/signed.txt"
}

for name in trustonic_ask trustonic_auth itrustee_ask itrustee_auth ios_ask ios_auth device ca; do
    key "$name"
done
key root 4096

# --- trustonic ------------------------------------------------------------------------------------
trustonic_key=$(escaped < "$keys/trustonic_auth.pem")
trustonic_key="{\"pub_key\":\"$trustonic_key\",\"cpu_id\":\"$trustonic_cpu_id\",\"counter\":4,\"uid\":\"10115\"}"
trustonic_result="{\"raw\":\"an emulated challenge \\\"1/2\\\"\",\"fid\":\"2313170\",\"counter\":9,\"tee_n\":\"t-base-Mediatek-Armv8-Android-302A-V012-emulated\",\"tee_v\":\"10010\",\"fp_n\":\"FPC\",\"fp_v\":\"6516\",\"cpu_id\":\"$trustonic_cpu_id\",\"uid\":\"10115\"}"

begin trustonic_auth_key
text "$trustonic_key"
sign_pss trustonic_ask 20
describe auth_key trustonic 20 verifies 20 "an AuthKey as MediaTek's phones export it"

begin trustonic_result
text "$trustonic_result"
sign_pss trustonic_auth 20
describe result trustonic 20 verifies 20 "a result as MediaTek's phones sign it"

begin trustonic_result_salt_32
text "$trustonic_result"
sign_pss trustonic_auth 32
describe result trustonic 20 mismatch 32 "signed with a salt of 32 bytes although the JSON does not say so"

begin trustonic_result_salt_0
text "$trustonic_result"
sign_pss trustonic_auth 0
describe result trustonic 20 mismatch 0 "signed without a salt"

begin trustonic_result_pkcs1
text "$trustonic_result"
sign_pkcs1 trustonic_auth
describe result trustonic 20 mismatch null "signed with PKCS#1 v1.5 padding"

begin trustonic_result_reserialised
text "$trustonic_result"
sign_pss trustonic_auth 20
printf '%s' "$trustonic_result" | sed 's/,/, /g' > "$case_folder/reserialised"
mv "$case_folder/reserialised" "$case_folder/signed.txt"
describe result trustonic 20 mismatch null "spaces added after signing, as a second serialisation does"

begin trustonic_result_crlf
printf '%s\n' "$trustonic_result" > "$case_folder/signed.txt"
sign_pss trustonic_auth 20
printf '%s\r\n' "$trustonic_result" > "$case_folder/signed.txt"
describe result trustonic 20 mismatch null "line end converted after signing"

# --- itrustee -------------------------------------------------------------------------------------
itrustee_key=$(printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----' "$(body itrustee_auth)")
begin itrustee_auth_key
text "{\"pub_key\":\"$itrustee_key\",\"cpu_id\":\"$itrustee_cpu_id\",\"counter\":39,\"uid\":\"10316\",\"rsa_pss_saltlen\":32}"
sign_pss itrustee_ask 32
describe auth_key itrustee 32 verifies 32 "an AuthKey as Huawei's phones export it: raw line feeds, one line, salt length"

itrustee_result="{\"bo_t\":\"1\",\"raw\":\"an emulated challenge\",\"fid\":\"1\",\"counter\":47,\"tee_n\":\"hwteeos\",\"tee_v\":\"version_1.0\",\"fp_n\":\"fpc_goodix\",\"fp_v\":\"goodix_1.0\",\"rsa_pss_saltlen\":32,\"cpu_id\":\"$itrustee_cpu_id\",\"uid\":\"10316\",\"fc_n\":\"hwbioalgo\",\"fc_v\":\"bioalgo_1.0\"}"
begin itrustee_result
text "$itrustee_result"
sign_pss itrustee_auth 32
describe result itrustee 32 verifies 32 "a result as Huawei's phones sign it"

begin itrustee_result_salt_20
text "$itrustee_result"
sign_pss itrustee_auth 20
describe result itrustee 32 mismatch 20 "signed with a salt of 20 bytes although the JSON says 32"

# --- ios ------------------------------------------------------------------------------------------
ios_key=$(escaped < "$keys/ios_auth.pem")
begin ios_auth_key
text "{\"pub_key\":\"$ios_key\",\"cpu_id\":\"$ios_cpu_id\",\"counter\":2,\"uid\":\"$ios_uid\"}"
sign_pss ios_ask 20
describe auth_key ios 20 verifies 20 "an AuthKey in the form modelled for iOS"

begin ios_result
text "{\"raw\":\"an emulated challenge\",\"counter\":3,\"uid\":\"$ios_uid\",\"cpu_id\":\"$ios_cpu_id\"}"
sign_pss ios_auth 20
describe result ios 20 verifies 20 "a result as iPhones sign it"

begin ios_result_other_key
text "{\"raw\":\"an emulated challenge\",\"counter\":3,\"uid\":\"$ios_uid\",\"cpu_id\":\"$ios_cpu_id\"}"
sign_pss ios_auth 20
cp "$keys/ios_ask.pem" "$case_folder/key.pem"
describe result ios 20 mismatch null "signed by another key"

# --- Certificate chain ----------------------------------------------------------------------------
# certificate NAME SUBJECT ISSUER_CERTIFICATE ISSUER_KEY DAYS SERIAL [EXTENSIONS]
certificate() {
    openssl req -new -key "$keys/$1.key" -subj "$2" -out "$keys/$1.csr"
    if [ -n "${7:-}" ]; then extensions="-extfile $7 -extensions leaf"; else extensions=""; fi
    # shellcheck disable=SC2086
    openssl x509 -req -sha256 -in "$keys/$1.csr" -CA "$keys/$3.crt" -CAkey "$keys/$4.key" \
        -days "$5" -set_serial "$6" $extensions -out "$keys/$1.crt"
}

challenge="{\"cpu_id\":\"$itrustee_cpu_id\",\"counter\":38,\"uid\":\"10316\",\"rsa_pss_saltlen\":32}"
challenge_hex=$(printf '%s' "$challenge" | od -An -v -tx1 | tr -d ' \n')
cat > "$keys/leaf.cnf" <<CONFIG
[leaf]
1.3.6.1.4.1.11129.2.1.17 = ASN1:SEQUENCE:description
[description]
attestation_version = INTEGER:2
attestation_level = ENUMERATED:1
keymaster_version = INTEGER:3
keymaster_level = ENUMERATED:1
challenge = FORMAT:HEX,OCTETSTRING:$challenge_hex
unique_id = OCTETSTRING:
software = SEQUENCE:software
tee = SEQUENCE:tee
[software]
no_auth_required = EXPLICIT:503,NULL
creation = EXPLICIT:701,INTEGER:1600000000000
[tee]
purpose = EXPLICIT:1,SET:purpose
algorithm = EXPLICIT:2,INTEGER:1
key_size = EXPLICIT:3,INTEGER:2048
digest = EXPLICIT:5,SET:digest
padding = EXPLICIT:6,SET:padding
exponent = EXPLICIT:200,INTEGER:65537
origin = EXPLICIT:702,INTEGER:0
os_version = EXPLICIT:705,INTEGER:100000
os_patch_level = EXPLICIT:706,INTEGER:202007
[purpose]
only = INTEGER:0xFF010001
[digest]
only = INTEGER:4
[padding]
only = INTEGER:3
CONFIG

openssl req -x509 -new -sha256 -key "$keys/root.key" -subj "/CN=Emulated SOTER Root CA" -days 7300 \
    -set_serial 1 -out "$keys/root.crt"
certificate ca "/CN=Emulated SOTER CA" root root 5475 2
certificate device "/CN=${itrustee_cpu_id%-*}" ca ca 4000 3
# The leaf's issuer is a fixed text and not the device certificate's subject, as on real phones: a certificate of that
# name, made for this one moment, lends it.
openssl req -x509 -new -sha256 -key "$keys/device.key" -subj "/CN=Emulated KeyStore   " -days 1 \
    -set_serial 1 -out "$keys/keystore.crt"
certificate itrustee_ask "/CN=Emulated Keymaster Key" keystore device 3650 1 "$keys/leaf.cnf"

# chain NAME...
chain() {
    separator=''
    printf '{"certs":['
    for name in "$@"; do
        printf '%s"' "$separator"
        openssl x509 -in "$keys/$name.crt" | escaped '\\n'
        printf '"'
        separator=','
    done
    printf ']}'
}

begin itrustee_chain
chain itrustee_ask device ca root > "$case_folder/signed.txt"
cp "$keys/itrustee_ask.pem" "$case_folder/key.pem"
describe chain itrustee 32 verifies null "an ASK as Huawei's phones export it"

begin itrustee_chain_without_device
chain itrustee_ask ca root > "$case_folder/signed.txt"
cp "$keys/itrustee_ask.pem" "$case_folder/key.pem"
describe chain itrustee 32 mismatch null "the device certificate is left out, so the CA's key does not verify the leaf"

begin itrustee_chain_without_root
chain itrustee_ask device ca > "$case_folder/signed.txt"
cp "$keys/itrustee_ask.pem" "$case_folder/key.pem"
describe chain itrustee 32 mismatch null "the last certificate is not self-signed"
