// npm install lossless-json: it refuses a name that occurs twice with different values, and keeps numbers as they are written.
import { parse } from 'lossless-json';

// Parse the very text that was verified, once, and pass the values on, not the text.
export function read(resultJSON) {
  const { raw, counter, cpu_id, uid } = parse(resultJSON);
  if (![raw, cpu_id, uid].every((text) => typeof text === 'string')) throw new Error('not a result of a phone');
  if (!/^(0|[1-9][0-9]{0,18})$/.test(counter?.isLosslessNumber ? counter.toString() : '')) throw new Error('no counter');
  return { raw, cpu_id, uid, counter: BigInt(counter.toString()) };
}
