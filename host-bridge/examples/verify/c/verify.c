/* Verifies AuthKeys and results with OpenSSL 3; Jansson only reads JSON. The part above the dashes is for your server.
   cc verify.c -o verify -lcrypto -ljansson */
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
  unsigned char *data;
  size_t length;
};

/* What your server keeps of an ASK that WeChat's verify_ask has confirmed, and of an AuthKey. */
struct key {
  EVP_PKEY *rsa;
  int salt_length;
  const char *cpu_id, *uid;
  json_int_t counter;
};

static bool is_signed(struct bytes text, struct bytes signature, const struct key *key) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *parameters; /* Belongs to the context. */
  /* A negative length lets OpenSSL find the length, and so does a call without one. */
  bool valid = context != NULL && key->salt_length > 0 &&
               EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), NULL, key->rsa) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, key->salt_length) == 1 &&
               EVP_DigestVerify(context, signature.data, signature.length, text.data, text.length) == 1;
  EVP_MD_CTX_free(context);
  return valid;
}

static bool is_strong(EVP_PKEY *key) {
  BIGNUM *exponent = NULL;
  bool strong = EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) == 2048 &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_word(exponent, 65537);
  BN_free(exponent);
  return strong;
}

static EVP_PKEY *read_key(const void *pem, size_t length) {
  BIO *source = BIO_new_mem_buf(pem, (int)length);
  EVP_PKEY *key = source == NULL ? NULL : PEM_read_bio_PUBKEY(source, NULL, NULL, NULL);
  BIO_free(source);
  return key;
}

/* Reads an export or a result. Huawei's exports have line feeds inside a string, which JSON does not allow. */
static json_t *read_json(struct bytes text) {
  char *escaped = malloc(2 * text.length + 1);
  size_t length = 0;
  if (escaped == NULL) return NULL;
  for (size_t at = 0; at < text.length; at++) {
    if (text.data[at] == '\n') escaped[length++] = '\\';
    escaped[length++] = text.data[at] == '\n' ? 'n' : (char)text.data[at];
  }
  json_t *said = json_loadb(escaped, length, JSON_REJECT_DUPLICATES, NULL);
  free(escaped);
  return said;
}

static json_int_t salt_length(const json_t *said) {
  const json_t *named = json_object_get(said, "rsa_pss_saltlen");
  return named == NULL ? 20 : json_integer_value(named);
}

static bool is_text(const json_t *said, const char *name, const char *expected) {
  const char *text = json_string_value(json_object_get(said, name));
  return text != NULL && expected != NULL && strcmp(text, expected) == 0;
}

/* At upload. NULL, or the check that refuses. `export` must live as long as `accepted`, whose key is to be freed. */
static const char *accept_auth_key(const struct key *ask, struct bytes text, struct bytes signature, json_t **export,
                                   struct key *accepted) {
  if (!is_signed(text, signature, ask)) return "auth-key-signature";
  *export = read_json(text);
  json_t *pem = json_object_get(*export, "pub_key");
  accepted->rsa = pem == NULL ? NULL : read_key(json_string_value(pem), json_string_length(pem));
  json_int_t salt = salt_length(*export);
  if (accepted->rsa == NULL || !is_strong(accepted->rsa) || (salt != 20 && salt != 32)) return "auth-key-strength";
  if (!is_text(*export, "cpu_id", ask->cpu_id) || !is_text(*export, "uid", ask->uid)) return "auth-key-owner";
  accepted->counter = json_integer_value(json_object_get(*export, "counter"));
  if (accepted->counter <= ask->counter) return "auth-key-counter";
  accepted->salt_length = (int)salt;
  accepted->cpu_id = json_string_value(json_object_get(*export, "cpu_id"));
  accepted->uid = json_string_value(json_object_get(*export, "uid"));
  return NULL;
}

/* At each authentication. NULL, or the check that refuses. Then the counter is the highest of the device: compare and keep it in one
   atomic step. */
static const char *check_result(const struct key *auth_key, struct bytes text, struct bytes signature, const char *challenge,
                                json_int_t highest_counter) {
  /* The bytes as they came, and the salt length of the key, not that of the message. */
  if (!is_signed(text, signature, auth_key)) return "result-signature";
  json_t *result = read_json(text);
  const char *check = NULL;
  if (salt_length(result) != auth_key->salt_length) check = "result-salt";
  else if (!is_text(result, "cpu_id", auth_key->cpu_id) || !is_text(result, "uid", auth_key->uid)) check = "result-owner";
  else if (!is_text(result, "raw", challenge)) check = "challenge";
  else if (json_integer_value(json_object_get(result, "counter")) <= highest_counter) check = "counter";
  json_decref(result);
  return check;
}

/* ----- The cases of `soter-sim vectors DIR`. */

static const char *folder;

static struct bytes read_file(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  struct bytes bytes = {malloc(1 << 20), 0};
  if (file == NULL || bytes.data == NULL) {
    perror(path);
    exit(2);
  }
  bytes.length = fread(bytes.data, 1, 1 << 20, file);
  fclose(file);
  return bytes;
}

static const char *judge(json_t *test) {
  json_t *ask = json_object_get(test, "ask");
  const char *ask_key, *names[4], *challenge;
  struct key known = {0}, accepted = {0};
  json_int_t highest_counter;
  if (json_unpack(test, "{s:{s:s,s:s},s:{s:s,s:s},s:s,s:I}", "authKey", "json", &names[0], "signature", &names[1], "result",
                  "json", &names[2], "signature", &names[3], "challenge", &challenge, "highestCounter", &highest_counter) != 0 ||
      json_unpack(ask, "{s:s,s:s,s:s,s:I,s:i}", "key", &ask_key, "cpuId", &known.cpu_id, "uid", &known.uid, "counter",
                  &known.counter, "saltLength", &known.salt_length) != 0)
    return "unreadable";
  if (!json_is_true(json_object_get(ask, "verified"))) return "ask";
  struct bytes pem = read_file(ask_key), files[4];
  for (int at = 0; at < 4; at++) files[at] = read_file(names[at]);
  known.rsa = read_key(pem.data, pem.length);
  json_t *export = NULL;
  const char *check = accept_auth_key(&known, files[0], files[1], &export, &accepted);
  if (check == NULL) check = check_result(&accepted, files[2], files[3], challenge, highest_counter);
  json_decref(export);
  EVP_PKEY_free(known.rsa);
  EVP_PKEY_free(accepted.rsa);
  free(pem.data);
  for (int at = 0; at < 4; at++) free(files[at].data);
  return check == NULL ? "accepted" : check;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  folder = arguments[1];
  struct bytes text = read_file("manifest.json");
  json_t *manifest = json_loadb((char *)text.data, text.length, 0, NULL), *test;
  int code = json_array_size(json_object_get(manifest, "cases")) == 0;
  size_t at;
  printf("library: libcrypto of OpenSSL %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
  json_array_foreach(json_object_get(manifest, "cases"), at, test) {
    const char *check = judge(test), *expected = json_string_value(json_object_get(test, "refusedBy"));
    printf("%s: %s\n", json_string_value(json_object_get(test, "name")), check);
    if (strcmp(check, expected == NULL ? "accepted" : expected) != 0) code = 1;
  }
  json_decref(manifest);
  free(text.data);
  return code;
}
