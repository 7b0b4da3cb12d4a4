import requests


# True for one answer alone: status 200, JSON, and `is_ok` is True. Everything else, also no answer, is a no.
def is_verified(access_token: str, openid: str, json_string: str, json_signature: str) -> bool:
    try:
        answer = requests.post(
            "https://api.weixin.qq.com/cgi-bin/soter/verify_signature",
            params={"access_token": access_token},
            json={"openid": openid, "json_string": json_string, "json_signature": json_signature},
            timeout=5,
        )
        body = answer.json()
    except (requests.RequestException, ValueError):
        return False  # ask again later, and pay nothing until then
    return answer.status_code == 200 and isinstance(body, dict) and body.get("is_ok") is True
