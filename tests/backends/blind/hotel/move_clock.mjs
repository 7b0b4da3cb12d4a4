// Moves the server's clock, which reads a file. Gets the audit's values on its standard input.
import { readFileSync, writeFileSync } from 'node:fs';

writeFileSync(process.env.CLOCK_AHEAD_FILE, JSON.parse(readFileSync(0, 'utf8')).aheadMs);
