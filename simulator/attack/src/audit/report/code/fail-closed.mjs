// True for one answer alone: status 200, JSON, and `is_ok` is the boolean true. Everything else, also no answer, is a no.
export async function isVerified(accessToken, openid, json_string, json_signature) {
  try {
    const answer = await fetch(
      `https://api.weixin.qq.com/cgi-bin/soter/verify_signature?access_token=${encodeURIComponent(accessToken)}`,
      { method: 'POST', body: JSON.stringify({ openid, json_string, json_signature }), signal: AbortSignal.timeout(5000) },
    );
    return answer.status === 200 && (await answer.json()).is_ok === true;
  } catch {
    return false; // ask again later, and pay nothing until then
  }
}
