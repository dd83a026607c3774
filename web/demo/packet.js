// Packets of Socket.IO protocol 1 (library 0.9.x), as EvoStream's Rendezvous Server speaks it: `type:id:endpoint:data`.

/** @typedef {{ kind: number, id: string, data: string }} Packet */

export const DISCONNECT = 0;
export const CONNECT = 1;
export const HEARTBEAT = 2;
export const EVENT = 5;
export const ACK = 6;
export const ERROR = 7;

const FORM = /^([0-8]):([0-9]{0,15}\+?):([^:]*)(?::([\s\S]*))?$/;

/**
 * @param {string} text
 * @returns {Packet | null} `null`: no packet
 */
export function parsePacket(text) {
  const found = FORM.exec(text);
  if (!found) return null;
  const [, kind, id, , data = ''] = found;
  return { kind: Number(kind), id, data };
}

/**
 * @param {string} name
 * @param {unknown[]} args
 * @param {number} [id] by which an answer with arguments is asked for
 */
export function eventPacket(name, args, id) {
  return `5:${id === undefined ? '' : `${id}+`}::${JSON.stringify({ name, args })}`;
}

/**
 * @param {string} data
 * @returns {{ name: string, args: unknown[] } | null}
 */
export function eventOf(data) {
  try {
    const { name, args } = JSON.parse(data);
    return typeof name === 'string' ? { name, args: Array.isArray(args) ? args : [] } : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} data
 * @returns {{ id: number, args: unknown[] } | null}
 */
export function ackOf(data) {
  const found = /^([0-9]+)(?:\+([\s\S]*))?$/.exec(data);
  if (!found) return null;
  try {
    const args = found[2] === undefined ? [] : JSON.parse(found[2]);
    return Array.isArray(args) ? { id: Number(found[1]), args } : null;
  } catch {
    return null;
  }
}

/**
 * What the handshake's body says: `id:heartbeat:close:transports`, times in seconds.
 * @param {string} body
 * @returns {{ sid: string, silence: number } | null} `silence`: milliseconds without a heartbeat after which the server is
 *   gone; 0 where it sends none
 */
export function handshakeOf(body) {
  const [sid, heartbeat, , transports = ''] = body.trim().split(':');
  if (!sid || !transports.split(',').includes('websocket')) return null;
  return { sid, silence: (Number(heartbeat) || 0) * 1000 };
}

/**
 * Lists of the server name each of theirs by `url`, as browsers of its time wanted it.
 * @param {unknown} list
 * @returns {RTCIceServer[]}
 */
export function iceServersOf(list) {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => {
    const urls = one?.urls ?? one?.url;
    const valid = typeof urls === 'string' || (Array.isArray(urls) && urls.length > 0);
    if (!valid) return [];
    const { username, credential } = one;
    return [typeof username === 'string' ? { urls, username, credential: String(credential ?? '') } : { urls }];
  });
}
