import { join } from 'node:path';

/** The proof moves the server's clock. */
export function environment(folder) {
  const preload = new URL('../../support/shifted_clock.mjs', import.meta.url);
  return { NODE_OPTIONS: `--import ${preload}`, CLOCK_AHEAD_FILE: join(folder, 'ahead') };
}
