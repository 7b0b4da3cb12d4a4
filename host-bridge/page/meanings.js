// What reasons and codes mean, and what to do about them. The server makes `reasons.js` from its tables, in both languages.

import { CALL_CODES, REASONS } from './reasons.js';
import { spoken } from './texts.js';

/** The `meaning` and the `advice` of a reason; `undefined` for one that the server does not know. */
export function explainReason(name) {
  return REASONS[spoken()][name];
}

/** The same for the `errCode` of a wx call. If the code has several causes, `errMsg` may name one of them. */
export function explainCode(errCode, errMsg = '') {
  const known = CALL_CODES[spoken()].filter(({ code }) => code === errCode);
  // A name may end with a word for what differs from call to call: `<sdk text>`.
  return known.find(({ name }) => errMsg.includes(name.split('<')[0].trim())) ?? known[0];
}
