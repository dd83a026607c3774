// A program that a test starts beside the server: its lines are kept and can be awaited, its folder goes with it.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import dgram from 'node:dgram';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './until.mjs';

const GONE_WITHIN_MS = 3_000;

export class Program {
  /** Everything that it said, each with the time. */
  lines = [];

  constructor(name, child, folder) {
    this.name = name;
    this.child = child;
    this.folder = folder;
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(String(error)));
      child.once('close', (code, signal) => resolve(signal ?? code));
    });
    this.exited.then((end) => { this.end = end; });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => this.lines.push({ text, at: Date.now() }));
    }
  }

  /**
   * @param {(folder: string) => Promise<string[]>} prepare writes its files and answers its arguments
   */
  static async start(world, name, command, prepare) {
    const folder = await mkdtemp(path.join(tmpdir(), `patchbay-${name}-`));
    // Standard input stays open: baresip ends when it closes.
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const child = spawn(command, await prepare(folder), { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {});
    const program = new this(name, child, folder);
    world.onEnd(() => program.stop());
    world.onTell(() => `--- ${name}\n${program.lines.map(({ text }) => text).join('\n')}`);
    return program;
  }

  /** The first line from `since` on that matches; a program that has ended will not say it any more. */
  async untilLine(pattern, { since = 0, ...options } = {}) {
    return until(`${this.name} says ${pattern}`, () => {
      const found = this.lines.slice(since).find(({ text }) => pattern.test(text));
      if (!found && this.end !== undefined) throw new Error(`${this.name} ended (${this.end}):\n${this.lines.map(({ text }) => text).join('\n')}`);
      return found;
    }, options);
  }

  count(pattern) {
    return this.lines.filter(({ text }) => pattern.test(text)).length;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), GONE_WITHIN_MS);
    await this.exited;
    clearTimeout(timer);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

// Below the ports that the kernel gives out by itself, and each one once: two programs that start at the same moment get no
// port twice.
let nextPort = 22_000 + 2 * Math.floor(Math.random() * 4_000);

/** So many ports in a row on 127.0.0.1 that are free for UDP and TCP at this moment, the first one even. */
export async function freePorts(count) {
  for (;;) {
    const ports = Array.from({ length: count }, (_, at) => nextPort + at);
    nextPort = ports.at(-1) > 31_900 ? 22_000 : ports.at(-1) + 1 + (count % 2);
    const free = await Promise.all(ports.flatMap((port) => [udpIsFree(port), tcpIsFree(port)]));
    if (free.every(Boolean)) return ports;
  }
}

export async function freePort() {
  return (await freePorts(1))[0];
}

/** The same as `first-last`: RTP and RTCP come in pairs. */
export async function freeRange(count) {
  const ports = await freePorts(count);
  return `${ports[0]}-${ports.at(-1)}`;
}

function tcpIsFree(port) {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function udpIsFree(port) {
  const socket = dgram.createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
