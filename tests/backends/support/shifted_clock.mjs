// Loaded into a backend before its own code: its clock is ahead by the milliseconds in a file, which an exploit writes.
import { readFileSync } from 'node:fs';

const now = Date.now.bind(Date);

Date.now = () => {
  try {
    return now() + Number(readFileSync(process.env.CLOCK_AHEAD_FILE, 'utf8'));
  } catch {
    // Nobody has moved the clock yet.
    return now();
  }
};
