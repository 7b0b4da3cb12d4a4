// npm install lossless-json: a counter has 64 bits, and JSON.parse keeps 53.
import { parse } from 'lossless-json';

// An honest counter is greater than the last one by any number: every SOTER operation of the phone counts.
export const isGreater = (resultJSON, highest) => BigInt(parse(resultJSON).counter.toString()) > BigInt(highest);

// The export of the AuthKey says so if its salt has another length than 20.
export const saltLength = (authKeyJSON) => Number(parse(authKeyJSON).rsa_pss_saltlen ?? 20);
