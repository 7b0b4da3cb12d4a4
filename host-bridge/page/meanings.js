// What reasons and codes mean, and what to do about them. The server makes `reasons.js` from its tables, in both languages.

import { CALL_CODES, REASONS, RESULT_CODES } from './reasons.js';
import { spoken } from './texts.js';

/** The `meaning` and the `advice` of a reason; `undefined` for one that the server does not know. */
export function explainReason(name) {
  return REASONS[spoken()][name];
}

/**
 * The same for the code in an answer of a phone: `errCode` of a wx call, `resultCode` of the trusted app. If an `errCode` has
 * several causes, `errMsg` may name one of them.
 */
export function explainAnswer(answer) {
  const { errCode, errMsg = '', resultCode } = answer ?? {};
  if (resultCode !== undefined) return RESULT_CODES[spoken()].find(({ code }) => code === resultCode);
  const known = CALL_CODES[spoken()].filter(({ code }) => code === errCode);
  // A name may end with a word for what differs from call to call: `<sdk text>`.
  return known.find(({ name }) => errMsg.includes(name.split('<')[0].trim())) ?? known[0];
}
