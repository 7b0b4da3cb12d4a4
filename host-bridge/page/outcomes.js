// How calls of the journal ended.

/** Whether a call was refused, in any of the ways in which an answer says so. */
export function isRefused({ judgement, answer }) {
  if (judgement) return !judgement.isOk;
  return Boolean(answer?.error) || (answer?.errCode ?? 0) !== 0 || (answer?.resultCode ?? 0) !== 0 || /:fail/.test(answer?.errMsg ?? '');
}

/** The code of the outcome, or a word for it. */
export function outcome({ judgement, answer }) {
  if (judgement) return judgement.reason;
  if (answer?.error) return 'error';
  if (answer?.errCode !== undefined) return `errCode ${answer.errCode}`;
  if (answer?.resultCode !== undefined) return `resultCode ${answer.resultCode}`;
  return answer?.errMsg ? answer.errMsg.split(':')[1] : '';
}
