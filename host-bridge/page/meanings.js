// What reasons and codes mean, and what to do about them. The server makes `reasons.js` from its tables, in both languages.

import { CALL_CODES, REASONS } from './reasons.js';
import { spoken } from './texts.js';

/** What a reason means: `meaning`, `advice`, their `lang`, and both in `english`; `undefined` for one that the server does not know. */
export function explainReason(name) {
  return explained(REASONS[name]);
}

/** The same for the `errCode` of a wx call, of whose causes `errMsg` may name one. */
export function explainCode(errCode, errMsg = '') {
  const known = CALL_CODES.filter(({ code }) => code === errCode);
  // A name may end with a word for what differs from call to call: `<sdk text>`.
  return explained(known.find(({ name }) => errMsg.includes(name.split('<')[0].trim())) ?? known[0]);
}

function explained(entry) {
  if (entry === undefined) return undefined;
  const { meaning, advice } = spoken() === 'zh' ? entry.zh : entry;
  return { ...entry, meaning, advice, lang: spoken() === 'zh' ? 'zh-CN' : 'en', english: [entry.meaning, entry.advice] };
}
