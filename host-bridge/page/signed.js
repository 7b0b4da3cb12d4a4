// Finds a signed text and its signature in what carries them.

/** The names of a text and its signature: in a backend's call, a cloud function's, the callback of a mini program, and our own. */
const NAMES = [['json_string', 'json_signature'], ['jsonString', 'jsonSignature'], ['resultJSON', 'resultJSONSignature'], ['json', 'signature']];
/** An object is looked for inside others up to this depth. */
const MOST_DEPTH = 6;

/** `{json, signature, key}` of the first object with texts for `json` and `signature`, or `undefined`. */
export function findSigned(value, depth = 0) {
  if (value === null || typeof value !== 'object' || depth > MOST_DEPTH) return undefined;
  for (const [json, signature] of NAMES) {
    if (typeof value[json] === 'string' && typeof value[signature] === 'string') {
      return { json: value[json], signature: value[signature], key: typeof value.key === 'string' ? value.key : '' };
    }
  }
  for (const member of Object.values(value)) {
    const found = findSigned(member, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** The same in JSON that somebody has pasted. */
export function findSignedIn(text) {
  try {
    return findSigned(JSON.parse(text));
  } catch {
    return undefined;
  }
}
