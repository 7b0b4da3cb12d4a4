// Programs that a run starts, and ends by their ids.
import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const LONGEST_START = 60_000;
const OUTPUT_KEPT = 4000;

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A program that runs. Its output is kept for the report of a failure. */
export class Child {
  output = '';

  constructor(command, args, options) {
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.process.on('error', (error) => (this.output += `${command}: ${error.message}`));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output = (this.output + text).slice(-OUTPUT_KEPT)));
    }
  }

  get hasEnded() {
    return this.process.exitCode !== null || this.process.signalCode !== null || this.process.pid === undefined;
  }

  /** Waits until the program accepts connections on a port of this computer. */
  async listensOn(port) {
    for (const end = Date.now() + LONGEST_START; Date.now() < end; await pause(30)) {
      if (this.hasEnded) break;
      const socket = connect(port, '127.0.0.1');
      const isOpen = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isOpen) return;
    }
    throw new Error(`${this.process.spawnfile} does not listen on port ${port}:\n${this.output}`);
  }

  /** Waits until the program has ended by itself; after the time it is killed. */
  async ends(milliseconds) {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), milliseconds);
    if (!this.hasEnded) await once(this.process, 'close');
    clearTimeout(timer);
    return this.process.exitCode;
  }

  async stop() {
    if (this.hasEnded) return;
    this.process.kill('SIGTERM');
    await this.ends(3000);
  }
}
