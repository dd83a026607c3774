// The library's own client, unchanged, over one transport: socket.io-client 0.9.16, as players bundle it.

import { createRequire } from 'node:module';
import { until } from './until.mjs';

const io = createRequire(import.meta.url)('socket.io-client');

/** A client that notes what it hears, in order: `[name, ...args]`. */
export function connect(url, transport, world, options = {}) {
  // Read when the socket is made; its own option for this is merged into the list of all.
  io.transports = [transport];
  const socket = io.connect(url, { 'force new connection': true, reconnect: false, ...options });
  const heard = [];
  const waiting = new Set();
  const note = (...entry) => {
    heard.push(entry);
    for (const look of waiting) look();
  };
  const names = ['connecting', 'connect', 'disconnect', 'reconnect', 'error', 'connect_failed'];
  for (const name of [...names, 'stunservers', 'turnservers', 'ersid', 'message', 'clientJoined', 'remove']) {
    socket.on(name, (...args) => note(name, ...args));
  }
  world.onEnd(() => {
    const { socket: inner } = socket;
    // Its server may have gone before: it would look for it for ever.
    inner.options.reconnect = inner.reconnecting = false;
    clearTimeout(inner.reconnectionTimer);
    inner.disconnect();
  });
  world.onTell(() => `--- ${transport} client\n${heard.map((entry) => JSON.stringify(entry).slice(0, 300)).join('\n')}`);
  /** The first entry of this name, from the given position on; waits for it. */
  const of = (name, from = 0) => new Promise((resolve) => {
    const look = () => {
      const found = heard.slice(from).find((entry) => entry[0] === name);
      if (!found) return;
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
  });
  return {
    socket, heard, of,
    get sid() { return socket.socket.sessionid; },
    get transport() { return socket.socket.transport.name; },
    ask: (name, ...args) => new Promise((resolve) => { socket.emit(name, ...args, (...answer) => resolve(answer)); }),
    /** Says farewell. What is said while a body is on its way waits in the library, and goes down with it: a server then hears of the end by silence alone. */
    leave: async () => {
      await until('what was sent has been taken', () => !socket.socket.doBuffer);
      socket.disconnect();
    },
    say: (to, rest) => socket.emit('message', { to, sid: '1432678845741', roomType: 'video', ...rest, prefix: 'webkit' }),
  };
}
