import { randomBytes } from 'node:crypto';

// Another one for each order, stored with it. No time, no number of the order, no Math.random.
export const newChallenge = () => randomBytes(16).toString('hex');
