import hashlib


# No cache of verdicts. If a repeated request must get the same answer, its key is made of everything that was judged, each
# part with its length, and what is kept is the answer of the order, which is paid once.
def key_of_request(openid: str, result_json: str, signature: str) -> str:
    digest = hashlib.sha256()
    for part in (openid, result_json, signature):
        encoded = part.encode("utf-8")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()
