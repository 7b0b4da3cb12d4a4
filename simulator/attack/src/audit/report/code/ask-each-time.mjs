import { createHash } from 'node:crypto';

// No cache of verdicts. If a repeated request must get the same answer, its key is made of everything that was judged, each
// part with its length, and what is kept is the answer of the order, which is paid once.
export function keyOfRequest(openid, resultJSON, resultJSONSignature) {
  const hash = createHash('sha256');
  for (const part of [openid, resultJSON, resultJSONSignature]) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}
