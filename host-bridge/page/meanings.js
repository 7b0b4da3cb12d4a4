// What reasons and codes mean, and what to do about them. The English is the server's own: it makes `reasons.js` from its tables.

import * as chinese from './chinese_meanings.js';
import { CALL_CODES, REASONS } from './reasons.js';
import { localized, spoken } from './texts.js';

/** What a reason means: `meaning`, `advice`, their `lang`, and both in `english`; `undefined` for one that the server does not know. */
export function explainReason(name) {
  return explained(REASONS[name], chinese.REASONS[name]);
}

/** The same for the `errCode` of a wx call, of whose causes `errMsg` may name one. */
export function explainCode(errCode, errMsg = '') {
  const known = CALL_CODES.filter(({ code }) => code === errCode);
  // A name may end with a word for what differs from call to call: `<sdk text>`.
  const found = known.find(({ name }) => errMsg.includes(name.split('<')[0].trim())) ?? known[0];
  return found && explained(found, chinese.CALL_CODES[`${errCode} ${found.name}`]);
}

/** The words for a family of phones. */
export function describeProfile({ name, description }) {
  return (spoken() === 'zh' && chinese.PROFILES[name]) || description;
}

function explained(english, zh) {
  return english && { ...localized({ zh, ...english }), english: [english.meaning, english.advice] };
}
