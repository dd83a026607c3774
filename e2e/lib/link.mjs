// A narrow link to one UDP port, made by the kernel's traffic control within the namespace.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const tc = (line) => run('tc', line.split(' '));

/** How long a packet may wait in the link's queue: as in a home router, enough for a burst, and felt when it is full. */
const QUEUE_MS = 200;

/** Why there can be no narrow link here; `null` if there can. */
export function impossible() {
  return process.env.NETNS_ADDRESS ? null : 'needs the namespace (cargo xtask netns)';
}

/** From now on so many bits per second go to this port over loopback, where all addresses of one machine meet. */
export async function narrow(world, port, bitsPerSecond) {
  await open();
  const queue = Math.ceil((bitsPerSecond / 8) * (QUEUE_MS / 1_000));
  await tc('qdisc add dev lo root handle 1: htb default 1');
  await tc('class add dev lo parent 1: classid 1:1 htb rate 10gbit quantum 60000');
  await tc(`class add dev lo parent 1: classid 1:2 htb rate ${bitsPerSecond}bit burst 3000 cburst 3000 quantum 1500`);
  await tc(`qdisc add dev lo parent 1:2 handle 2: bfifo limit ${queue}`);
  // Two bytes behind the ports' first two: the destination of UDP.
  await tc(`filter add dev lo protocol ip parent 1: prio 1 u32 match ip protocol 17 0xff match ip dport ${port} 0xffff flowid 1:2`);
  world.onEnd(open);
}

/** The link is as wide as ever. */
export async function open() {
  // There may be nothing to remove.
  await tc('qdisc del dev lo root').catch(() => {});
}
