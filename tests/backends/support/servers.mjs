// WeChat's servers and a desk of phones for one backend: with two users, touches by themselves, and replays accepted.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Child, freePort } from './children.mjs';

/** Starts them with this account. The address, and what stops them. */
export async function startServers({ appid, secret }, folder) {
  const accounts = join(folder, 'accounts.toml');
  const users = ['alice', 'mallory'].map((name) => `[[user]]\nname = "${name}"\n`).join('');
  writeFileSync(accounts, `[[app]]\nappid = "${appid}"\nsecret = "${secret}"\n${users}`);
  const port = await freePort();
  const options = ['--ephemeral', '--touch', 'auto', '--replays', 'accept', '--attacker', '--config', accounts];
  const servers = new Child(process.env.SOTER_SIM ?? 'soter-sim', ['serve', ...options, '--listen', `127.0.0.1:${port}`]);
  await servers.listensOn(port);
  return { url: `http://127.0.0.1:${port}`, stop: () => servers.stop() };
}
